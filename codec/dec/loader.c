/* SPDX-License-Identifier: Apache-2.0
 * The streaming loader of loader.h: a flat state machine. Each state either gathers bytes that something verified has
 * asked for, or works on bytes that have been verified. The states and their order: spec/design.md, "The loader".
 * Device code. */
#include "mote/loader.h"

#include <string.h>

#include "base/apart.h"
#include "base/digest.h"
#include "dec/loader_state.h"
#include "kern/kern.h"

/* ---- workspace ---- */

size_t mote_loader_open_bytes(uint32_t manifest_bytes, uint32_t signature_bytes)
{
    return sizeof(mote_loader) + manifest_bytes + (signature_bytes ? MOTE_SIGNATURE_BYTES : 0);
}

/* Where the body begins in the file. */
static size_t body_at(const mote_loader *ld)
{
    return MOTE_PRELUDE_BYTES + (size_t)ld->prelude.manifest_bytes + ld->prelude.signature_bytes;
}

static mote_status lay_out(size_t at[PARTS + 1], const mote_loader_config *config, const mote_manifest *m, size_t open)
{
    const mote_facts *f = &m->facts;
    const mote_kern *kern = config->kern ? config->kern : mote_kern_ref();
    const bool floats = (!MOTE_NANO && mote_needs_has(&m->needs, MOTE_LAYOUT_LOWRANK) && !config->native_lowrank) ||
                        (MOTE_SUMS && mote_needs_has(&m->needs, MOTE_LAYOUT_SUM)) ||
                        mote_needs_has(&m->needs, MOTE_NUM_TRELLIS) || mote_needs_has(&m->needs, MOTE_NUM_CODEBOOK),
               zstd = !MOTE_NANO && mote_needs_has(&m->needs, MOTE_CODER_ZSTD);
    /* no product overflows: mote_manifest_read() holds entries and tables against what the package could fill */
    const size_t bytes[PARTS] = {
        [PAGES] = mote_tree_path_bytes(mote_tree_height(m->n_chunks)),
        [DIRECTORY] = f->n_entries * sizeof(mote_dirent),
        [TABLES] = f->table_slots_max * sizeof(mote_table),
        [PREPARED] = f->table_slots_max * kern->table_bytes,
        [RESIDENTS] = floats ? f->resident_max : 0,
        [INFLATED] = zstd ? f->seg_raw_max : 0,
        [CHUNK] = f->chunk_max,
        [NAME] = f->entry_max < MOTE_NAME_MAX ? f->entry_max : MOTE_NAME_MAX,
    };
    at[0] = (sizeof(mote_loader) + 7) & ~(size_t)7;
    for (unsigned i = 0; i < PARTS; i++) {
        at[i + 1] = at[i] + ((bytes[i] + 7) & ~(size_t)7);
        if (bytes[i] > SIZE_MAX - 7 - at[i]) {
            at[PARTS] = SIZE_MAX;
            return MOTE_ERR_MEMORY;
        }
    }
    if (at[PARTS] < open) at[PARTS] = open;
    return MOTE_OK;
}

mote_status mote_loader_workspace(const mote_loader_config *config, const mote_manifest *m, uint32_t manifest_bytes,
                                  uint32_t signature_bytes, size_t *bytes)
{
    size_t at[PARTS + 1];
    mote_status st = lay_out(at, config, m, mote_loader_open_bytes(manifest_bytes, signature_bytes));
    if (st == MOTE_OK) *bytes = at[PARTS];
    return st;
}

size_t mote_loader_needed(const mote_loader *ld)
{
    return ld->at[PARTS];
}

size_t mote_loader_file_bytes(const mote_loader *ld)
{
    return ld->state < ST_BODY ? 0 : body_at(ld) + ld->manifest.body_bytes;
}

/* ---- gathering ---- */

static void gather(mote_loader *ld, uint8_t *to, uint32_t bytes, state next)
{
    ld->to = to;
    ld->want = bytes;
    ld->have = 0;
    ld->state = (uint8_t)next;
}

/* The manifest, and behind it one signature, lie behind the loader itself until the workspace is laid out. */
static uint8_t *open_area(mote_loader *ld)
{
    return (uint8_t *)(ld + 1);
}

#if !MOTE_NANO
static void has_not(mote_needs *has, unsigned id)
{
    has->bit[id / 32] &= ~((uint32_t)1 << id % 32);
}
#endif

mote_status mote_loader_init(mote_loader **out, void *area, size_t bytes, const mote_loader_config *config)
{
    if (!area || (uintptr_t)area % 8 || !config->crypto.sha256 || config->trust.n_keys > MOTE_TRUSTED_MAX ||
        (config->trust.n_keys && !config->crypto.ed25519))
        return MOTE_ERR_ARG;
    if (bytes < mote_loader_open_bytes(1, 0)) return MOTE_ERR_MEMORY;
    mote_loader *ld = area;
    memset(ld, 0, sizeof *ld);
    ld->config = *config;
    ld->work_bytes = bytes;
    if (!ld->config.kern) ld->config.kern = mote_kern_ref();
    mote_needs *has = &ld->config.policy.has;
    if (!(has->bit[0] | has->bit[1] | has->bit[2] | has->bit[3])) *has = mote_needs_of_build(true);
#if !MOTE_NANO
    if (!config->inflate) has_not(has, MOTE_CODER_ZSTD);
    if (MOTE_LANES_MAX < 8) has_not(has, MOTE_CODER_RANS8);
    if (MOTE_LANES_MAX < 32) has_not(has, MOTE_CODER_RANS32);
#endif
    /* into the digest's room: nothing else is sure to be there */
    gather(ld, ld->digest, MOTE_PRELUDE_BYTES, ST_PRELUDE);
    *out = ld;
    return MOTE_OK;
}

/* ---- before trust ---- */

static mote_status on_prelude(mote_loader *ld)
{
    mote_status st = mote_prelude_read(&ld->prelude, ld->digest);
    if (st != MOTE_OK) return st;
    const uint32_t ml = ld->prelude.manifest_bytes, sl = ld->prelude.signature_bytes;
    ld->scan.left = sl;
    gather(ld, open_area(ld), ml, ST_MANIFEST);
    return ld->work_bytes < mote_loader_open_bytes(ml, sl) ? MOTE_ERR_MEMORY : MOTE_OK;
}

static mote_status next_signature(mote_loader *ld)
{
    ld->state = ST_TRUST;
    if (ld->scan.left == 0) return MOTE_OK;
    gather(ld, ld->signature_buf, MOTE_SIGNATURE_HEAD_BYTES, ST_SIGNATURE_HEAD);
    return ld->scan.left < MOTE_SIGNATURE_HEAD_BYTES ? MOTE_ERR_TRUNCATED : MOTE_OK;
}

static mote_status on_manifest(mote_loader *ld)
{
    mote_manifest_digest(&ld->config.crypto, ld->digest, open_area(ld), ld->prelude.manifest_bytes);
    return next_signature(ld);
}

static mote_status on_signature_head(mote_loader *ld)
{
    mote_status st = mote_signature_head_read(&ld->scan, &ld->sig, ld->signature_buf);
    if (st != MOTE_OK) return st;
    ld->sig_key = mote_signature_key(&ld->config.crypto, &ld->config.trust, &ld->sig);
    /* what nobody checks is not kept */
    gather(ld, ld->sig_key < 0 ? NULL : open_area(ld) + ld->prelude.manifest_bytes, ld->sig.bytes, ST_SIGNATURE);
    return MOTE_OK;
}

static mote_status on_signature(mote_loader *ld)
{
    mote_status st = MOTE_OK;
    if (ld->to)
        st = mote_signature_check(&ld->scan, &ld->config.crypto, &ld->config.trust, ld->sig_key, &ld->sig, ld->to,
                                  ld->digest);
    return st == MOTE_OK ? next_signature(ld) : st;
}

static mote_status on_trust(mote_loader *ld, mote_event *event)
{
    mote_manifest *m = &ld->manifest;
    mote_status st = mote_signature_verdict(&ld->scan, &ld->config.trust);
    if (st == MOTE_OK) st = mote_manifest_read(m, open_area(ld), ld->prelude.manifest_bytes);
    if (st == MOTE_OK) st = mote_policy_check(&ld->config.policy, m, ld->digest);
    if (st == MOTE_OK)
        st = lay_out(ld->at, &ld->config, m,
                     mote_loader_open_bytes(ld->prelude.manifest_bytes, ld->prelude.signature_bytes));
    if (st == MOTE_OK && ld->work_bytes < ld->at[PARTS]) st = MOTE_ERR_MEMORY;
    if (st != MOTE_OK) return st;
    event->type = MOTE_EVENT_MANIFEST;
    event->manifest = m;
    event->manifest_digest = ld->digest;
    ld->state = ST_BODY;
    return MOTE_OK;
}

/* A value of the fact at this offset: the largest seen so far is kept, none may exceed what is stated. */
static void raise(mote_loader *ld, size_t fact, size_t value)
{
    size_t seen, stated;
    memcpy(&seen, (const uint8_t *)&ld->seen + fact, sizeof seen);
    memcpy(&stated, (const uint8_t *)&ld->manifest.facts + fact, sizeof stated);
    if (value > seen) memcpy((uint8_t *)&ld->seen + fact, &value, sizeof value);
    if (value > stated) ld->foreign = 1;
}
#define RAISE(ld, fact, value) raise(ld, offsetof(mote_facts, fact), value)

/* ---- chunks ---- */

mote_status mote_loader_want_node(mote_loader *ld)
{
    uint32_t n;
    mote_status st = mote_tree_next(&ld->tree, &n);
    if (st != MOTE_OK) return st;
    ld->file_at = body_at(ld) + mote_tree_position(&ld->tree);
    gather(ld, ld->tree.level ? mote_tree_page(&ld->tree) : mote_loader_part(ld, CHUNK), n, ST_VERIFY);
#if MOTE_LOADER_DISPATCH
    ld->chunk = mote_loader_part(ld, CHUNK);
#endif
    return MOTE_OK;
}

mote_status mote_loader_begin_body(mote_loader *ld)
{
    /* the workspace is laid over what texts and ids point to */
    mote_manifest *m = &ld->manifest;
    m->name = m->version = m->tool = (mote_text){ 0 };
    m->vendor = m->classes = NULL;
    mote_tree_init(&ld->tree, m, &ld->config.crypto, mote_loader_part(ld, PAGES));
    mote_seg_env *e = &ld->env;
    e->head = &ld->head;
    e->tables = mote_loader_part(ld, TABLES);
    e->kern = ld->config.kern;
    e->prepared = mote_loader_part(ld, PREPARED);
    e->factors = mote_loader_part(ld, RESIDENTS);
    e->inflate = ld->config.inflate;
    e->inflate_ctx = ld->config.inflate_ctx;
    e->scratch = mote_loader_part(ld, INFLATED);
    e->scratch_bytes = ld->at[CHUNK] - ld->at[INFLATED];
    ld->state = ST_NODE;
    return MOTE_OK;
}

static const uint8_t *chunk_of(mote_loader *ld)
{
#if MOTE_LOADER_DISPATCH
    return ld->chunk;
#else
    return mote_loader_part(ld, CHUNK);
#endif
}

/* The record at the cursor. */
MOTE_APART static mote_status read_record(mote_loader *ld)
{
    return mote_record_read(&ld->record, chunk_of(ld) + ld->cursor, ld->chunk_bytes - ld->cursor);
}

/* A place is where a record begins, or it is none: lead the cursor there, record by record. */
static mote_status walk_to(mote_loader *ld, uint32_t offset)
{
    ld->state = ST_RECORD;
    if (ld->cursor > offset) ld->cursor = 0;
    while (ld->cursor < offset && ld->cursor < ld->chunk_bytes) {
        mote_status st = read_record(ld);
        if (st != MOTE_OK) return st;
        ld->cursor += (uint32_t)ld->record.total;
    }
    return ld->cursor == offset && offset < ld->chunk_bytes ? MOTE_OK : MOTE_ERR_ORDER;
}

static mote_status on_node_read(mote_loader *ld)
{
    const bool chunk = ld->tree.level == 0;
    mote_status st = mote_tree_accept(&ld->tree, chunk ? chunk_of(ld) : ld->to, ld->want);
    if (st != MOTE_OK) return st;
    ld->state = ST_NODE;
    if (!chunk) return MOTE_OK;
    ld->chunk_bytes = ld->want;
    RAISE(ld, chunk_max, ld->want); /* the tree has compared it */
    ld->chunks_read++;
    ld->cursor = 0;
    uint32_t goal = ld->goal;
    ld->goal = 0;
    return walk_to(ld, goal);
}

/* ---- content ---- */

/* Stated maxima and sums must have been reached. Spec format.md 5.2 */
static mote_status finish(mote_loader *ld)
{
    ld->state = ST_DONE;
    /* a pulling reader left something out */
    if (ld->resume || ld->chunks_read < ld->manifest.n_chunks) return MOTE_OK;
    ld->seen.n_entries = ld->manifest.facts.n_entries;
    return memcmp(&ld->seen, &ld->manifest.facts, sizeof ld->seen) == 0 &&
                   memcmp(&ld->needs_seen, &ld->manifest.needs, sizeof ld->needs_seen) == 0
               ? MOTE_OK
               : MOTE_ERR_FACTS;
}

/* The next entry that has elements; PH_END if there is none. */
static void next_tensor(mote_loader *ld)
{
    const mote_dirent *d = mote_loader_part(ld, DIRECTORY);
    for (ld->phase = PH_END; ld->index < ld->manifest.facts.n_entries; ld->index++) {
        ld->cur = d[ld->index];
        if (ld->cur.elements == 0) continue;
        ld->phase = PH_HEAD;
        return;
    }
}

mote_status mote_loader_go_to(mote_loader *ld, uint32_t chunk, uint32_t offset)
{
    if (chunk >= ld->manifest.n_chunks) return MOTE_ERR_ORDER;
    if (ld->chunk_bytes && ld->tree.chunk == chunk) return walk_to(ld, offset);
    mote_tree_seek(&ld->tree, chunk);
    ld->have = ld->want; /* of whatever was being gathered */
    ld->chunk_bytes = 0;
    ld->goal = offset;
    ld->state = ST_NODE;
    return MOTE_OK;
}

/* A pulling reader goes to the next tensor without reading what is left of this one; only ever forwards, so that no
 * chunk counts twice. */
static mote_status leave_out(mote_loader *ld)
{
    if (ld->finding) return MOTE_OK;
    if (ld->phase == PH_END) return finish(ld);
    if (ld->cur.chunk < ld->tree.chunk || (ld->cur.chunk == ld->tree.chunk && ld->cur.offset < ld->cursor))
        return MOTE_ERR_ORDER;
    return mote_loader_go_to(ld, ld->cur.chunk, ld->cur.offset);
}

static mote_status on_entry(mote_loader *ld, mote_event *event)
{
    mote_entry *e = &ld->entry;
    char *name = mote_loader_part(ld, NAME);
    const mote_text last = { name, ld->last_name_bytes };
    if (ld->record.type != MOTE_RECORD_ENTRY) return MOTE_ERR_ORDER;
    mote_status st = mote_entry_read(e, ld->record.value, ld->record.bytes);
    if (st != MOTE_OK) return st;
    if (ld->index && mote_entry_compare(ld->last_kind, last, e->kind, e->name) >= 0) return MOTE_ERR_ORDER;
    RAISE(ld, entry_max, ld->record.total);
    RAISE(ld, tensor_max, e->bytes);
    RAISE(ld, decoded_total, ld->seen.decoded_total + e->bytes); /* neither exceeds MOTE_COUNT_MAX */
    if (ld->foreign) return MOTE_ERR_FACTS;
    memcpy(name, e->name.p, e->name.bytes);
    ld->last_name_bytes = (uint32_t)e->name.bytes;
    ld->last_kind = e->kind;
    ld->cursor += (uint32_t)ld->record.total;
    ld->cur = (mote_dirent){ e->elements, e->stored, e->chunk, e->offset, e->dtype };
    event->type = MOTE_EVENT_ENTRY;
    event->entry = e;
    mote_dirent *d = mote_loader_part(ld, DIRECTORY);
    const uint32_t i = ld->index++;
    if (ld->finding) return MOTE_OK;
    d[i] = ld->cur;
    if (ld->index < ld->manifest.facts.n_entries) return MOTE_OK;
    ld->index = ld->resume ? mote_loader_resume_entry(ld) : 0;
    next_tensor(ld);
    return ld->resume && ld->phase != PH_END ? leave_out(ld) : MOTE_OK;
}

static void note_use(void *ctx, unsigned id)
{
    mote_loader *ld = ctx;
    mote_needs_add(&ld->needs_seen, id);
    if (!mote_needs_has(&ld->manifest.needs, id)) ld->foreign = 1;
}

static bool has_form(const mote_loader *ld, mote_form form)
{
    /* sums of terms are made where they are wanted: in binary32 */
    if (mote_head_is_sum(&ld->head) && form != MOTE_FORM_DENSE) return form == MOTE_FORM_F32;
    if (form == MOTE_FORM_NATIVE) return true;
#if MOTE_NANO
    /* nothing is rounded to another type, and what is computed is binary32 */
    const mote_head *h = &ld->head;
    if (h->dtype != MOTE_F32 || form == MOTE_FORM_F16)
        return form == MOTE_FORM_DENSE && h->dtype != MOTE_F64 && h->term.num.numeric < MOTE_NUM_AFFINE;
#endif
    return mote_form_bits(ld->head.dtype, form) != 0;
}

static bool is_native(const mote_loader *ld)
{
    return ld->form == MOTE_FORM_NATIVE ||
           ((MOTE_NANO || ld->config.native_lowrank) && ld->head.term.layout == MOTE_LAYOUT_LOWRANK &&
            !mote_head_is_sum(&ld->head));
}

/* Whoever decodes for us is done with the head and the tables. */
static mote_status settle(mote_loader *ld)
{
#if MOTE_LOADER_DISPATCH
    const mote_dispatch *by = &ld->config.dispatch;
    const bool any = ld->sent;
    ld->sent = false;
    if (any) return by->wait(by->ctx);
#else
    (void)ld;
#endif
    return MOTE_OK;
}

static mote_status on_head(mote_loader *ld, mote_event *event)
{
    const mote_record *rec = &ld->record;
    mote_head *h = &ld->head;
    if (rec->type != MOTE_RECORD_HEAD || ld->tree.chunk != ld->cur.chunk || ld->cursor != ld->cur.offset)
        return MOTE_ERR_ORDER;
    mote_status st = settle(ld); /* of a tensor that was left for this one */
    if (st == MOTE_OK)
        st = mote_head_read(h, mote_loader_part(ld, TABLES), NULL, ld->manifest.facts.table_slots_max,
                            mote_rd_init(rec->value, rec->bytes), ld->cur.dtype, ld->cur.elements, note_use, ld);
    if (ld->foreign) return MOTE_ERR_FACTS;
    if (st != MOTE_OK) return st;
    if (h->n_segments > 1 && ld->cursor != 0) return MOTE_ERR_ORDER;
    const size_t seg = mote_head_seg_max(h);
    RAISE(ld, head_max, rec->total);
    RAISE(ld, table_slots_max, h->n_tables);
    RAISE(ld, seg_elems_max, seg);
    RAISE(ld, seg_raw_max, mote_bytes_of(seg, mote_dtype_bits(h->dtype)));
    RAISE(ld, resident_max, mote_bytes_of(mote_seg_factors(h), 8 * sizeof(float)));
    if (ld->foreign) return MOTE_ERR_FACTS;
    st = mote_seg_prepare(&ld->seg, &ld->env);
    if (st != MOTE_OK) return st;
    ld->cursor += (uint32_t)rec->total;
    ld->stored = rec->total;
    ld->part = 0;
    ld->phase = h->n_residents ? PH_RESIDENT : PH_SEGMENT;
    ld->form = (uint8_t)ld->config.form;
    if (!has_form(ld, ld->config.form)) ld->form = has_form(ld, MOTE_FORM_DENSE) ? MOTE_FORM_DENSE : MOTE_FORM_NATIVE;
    ld->target = NULL;
    ld->skip = ld->partial = 0;
    ld->choosing = 1;
    event->type = MOTE_EVENT_TENSOR;
    mote_tensor_info *t = &event->tensor;
    t->dtype = h->dtype;
    t->axis = h->axis;
    t->layout = h->term.layout;
    t->numeric = h->term.num.numeric;
    t->elements = ld->cur.elements;
    t->rows = h->rows;
    t->cols = h->cols;
    t->seg_elems = h->seg_elems;
    t->n_segments = h->n_segments;
    t->rank = h->term.rank;
    t->coder = h->term.num.v.coder;
    t->bits = h->term.num.bits; /* of affine only */
#if MOTE_LOADER_DISPATCH
    const bool trellis = t->numeric == MOTE_NUM_TRELLIS;
    t->n_pairs = trellis ? h->trellis.n_pairs : 0;
    t->step = trellis ? h->trellis.step : 0;
    t->states = trellis;
    while (trellis && t->states <= h->trellis.g[0]) t->states *= 2;
#endif
    return MOTE_OK;
}

/* ---- output ---- */

/* The records of a tensor have been used up to here. */
static void record_done(mote_loader *ld)
{
    ld->cursor += (uint32_t)ld->record.total;
    ld->part++;
    ld->state = ST_RECORD;
    if (ld->phase == PH_RESIDENT && ld->part == ld->head.n_residents) {
        ld->phase = PH_SEGMENT;
        ld->part = 0;
    } else if (ld->phase == PH_SEGMENT && ld->part == ld->head.n_segments) {
        ld->state = ST_TENSOR_END;
    }
}

/* The segment at the cursor goes to d, or to somebody who will see to it. */
static mote_status decode(mote_loader *ld, const mote_dest *d)
{
    const mote_record *rec = &ld->record;
#if MOTE_LOADER_DISPATCH
    const mote_dispatch *by = &ld->config.dispatch;
    if (by->segment && ld->target && ld->head.term.layout != MOTE_LAYOUT_LOWRANK && ld->head.term.num.book_rows == 0 &&
        !mote_plane_adapts(ld->head.term.num.v.coder)) {
        /* factors hold one row of U, one codebook, the tables of one segment */
        ld->sent = true;
        return by->segment(by->ctx, &ld->env, ld->part, rec->value, rec->bytes, d);
    }
#endif
    return mote_seg_dense(&ld->seg, &ld->env, ld->part, rec->value, rec->bytes, d);
}

/* A segment, or a resident in native form, is decoded once there is room for it. */
static mote_status on_output(mote_loader *ld, mote_out *out, mote_event *event)
{
    const mote_head *h = &ld->head;
    const mote_record *rec = &ld->record;
    const mote_form form = (mote_form)ld->form;
    const bool resident = ld->phase == PH_RESIDENT, native = is_native(ld), direct = ld->target && !native;
    const mote_extent x = resident ? mote_head_resident(h, (uint32_t)ld->part) : mote_head_extent(h, ld->part);
    event->block.row = x.row;
    event->block.col = x.col;
    event->block.rows = x.rows;
    event->block.cols = x.cols;
    event->block.data = out->p;
    const size_t need =
        native ? mote_seg_native_bytes(h, resident) : mote_bytes_of(x.rows * x.cols, mote_form_bits(h->dtype, form));
    event->block.bytes = event->need = need;
    if (need == SIZE_MAX) return MOTE_ERR_MEMORY;
    if (!direct && need > out->left) return MOTE_NEED_OUTPUT;
    mote_status st;
    if (native) {
        if ((uintptr_t)out->p % 8) return MOTE_ERR_ARG;
        st = mote_seg_native(&ld->seg, &ld->env, ld->part, resident, rec->value, rec->bytes, &ld->native, out->p, need);
        event->block.cols = ld->native.cols;
        event->block.native = &ld->native;
    } else {
        mote_dest d;
        st = direct ? mote_dest_tensor(&d, h, ld->part, form, ld->target, ld->target_bytes)
                    : mote_dest_segment(&d, h, ld->part, form, out->p, need);
        event->block.data = d.p;
        if (st == MOTE_OK) st = decode(ld, &d);
    }
    if (st != MOTE_OK) return st;
    event->type = MOTE_EVENT_BLOCK;
    if (!direct) {
        out->p += need;
        out->left -= need;
    }
    record_done(ld);
    return MOTE_OK;
}

static mote_status on_tensor_record(mote_loader *ld)
{
    const bool resident = ld->phase == PH_RESIDENT;
    const mote_record *rec = &ld->record;
    const size_t segments = resident ? 1 : ld->head.n_segments;
    ld->choosing = 0;
    if (!resident && ld->resume > ld->tree.chunk) return mote_loader_resume_jump(ld);
    if (rec->type != (resident ? MOTE_RECORD_RESIDENT : MOTE_RECORD_SEGMENT)) return MOTE_ERR_ORDER;
    /* every segment but the last ends a chunk, so that every one but the first starts one */
    if (ld->part + 1 < segments && ld->cursor + rec->total != ld->chunk_bytes) return MOTE_ERR_ORDER;
    ld->stored += rec->total;
    ld->state = ST_SEGMENT;
    if (!ld->skip && (!resident || is_native(ld))) return MOTE_OK;
    mote_status st = MOTE_OK;
    if (!MOTE_NANO && !ld->skip) st = mote_seg_resident(&ld->seg, &ld->env, (uint32_t)ld->part, rec->value, rec->bytes);
    record_done(ld);
    return st;
}

static mote_status on_tensor_end(mote_loader *ld, mote_event *event)
{
    const bool rest = ld->skip && ld->pulling && ld->part < ld->head.n_segments;
    mote_status st = settle(ld);
    if (st != MOTE_OK) return st;
    if (!rest && !ld->partial && ld->stored != ld->cur.stored) return MOTE_ERR_ORDER;
    event->type = MOTE_EVENT_TENSOR_END;
    ld->state = ST_FOUND;
    if (ld->finding) return MOTE_OK;
    ld->state = ST_RECORD;
    ld->index++;
    next_tensor(ld);
    return rest ? leave_out(ld) : MOTE_OK;
}

static mote_status on_record(mote_loader *ld, mote_event *event)
{
    if (ld->cursor == ld->chunk_bytes) {
        ld->state = ST_NODE;
        ld->chunk_bytes = 0;
        if (mote_tree_advance(&ld->tree)) return MOTE_OK;
        return ld->phase == PH_END ? finish(ld) : MOTE_ERR_TRUNCATED;
    }
    mote_status st = read_record(ld);
    if (st != MOTE_OK) return st;
    switch ((phase)ld->phase) {
    case PH_ENTRIES: return on_entry(ld, event);
    case PH_HEAD: return on_head(ld, event);
    case PH_RESIDENT:
    case PH_SEGMENT: return on_tensor_record(ld);
    case PH_END: break; /* records behind the last tensor */
    }
    return MOTE_ERR_ORDER;
}

/* ---- the machine ---- */

/* One step: something happened (event), something is missing, or go on. Merged into run(), the states would have to
 * share its registers. */
MOTE_APART static mote_status turn(mote_loader *ld, mote_out *out, mote_event *event)
{
    switch ((state)ld->state) {
    case ST_PRELUDE: return on_prelude(ld);
    case ST_MANIFEST: return on_manifest(ld);
    case ST_SIGNATURE_HEAD: return on_signature_head(ld);
    case ST_SIGNATURE: return on_signature(ld);
    case ST_TRUST: return on_trust(ld, event);
    case ST_BODY: return mote_loader_begin_body(ld);
    case ST_NODE: return mote_loader_want_node(ld);
    case ST_VERIFY: return on_node_read(ld);
    case ST_RECORD: return on_record(ld, event);
    case ST_SEGMENT: return on_output(ld, out, event);
    case ST_TENSOR_END: return on_tensor_end(ld, event);
    case ST_FOUND: return MOTE_ERR_STATE;
    case ST_DONE: break;
    }
    event->type = MOTE_EVENT_DONE;
    return MOTE_OK;
}

/* A whole chunk of steady input is left where it lies. */
static bool stays(mote_loader *ld, const uint8_t *p, size_t n)
{
#if MOTE_LOADER_DISPATCH
    if (!ld->config.steady || n < ld->want || ld->state != ST_VERIFY || ld->tree.level > 0) return false;
    ld->chunk = p;
    return true;
#else
    (void)ld;
    (void)p;
    (void)n;
    return false;
#endif
}

static void take(mote_loader *ld, mote_in *in)
{
    const size_t wanted = ld->want - ld->have, n = wanted < in->left ? wanted : in->left;
    if (n == 0) return;
    if (ld->to && !stays(ld, in->p, n)) memcpy(ld->to + ld->have, in->p, n);
    ld->have += (uint32_t)n;
    ld->file_at += n;
    in->p += n;
    in->left -= n;
}

mote_status mote_loader_fail(mote_loader *ld, mote_status st)
{
    if (st < MOTE_OK && st != MOTE_ERR_ARG && st != MOTE_ERR_STATE) {
        const mote_status before = settle(ld); /* of segments that stand before what is wrong here */
        ld->st = st = before != MOTE_OK ? before : st;
    }
    return st;
}

static mote_status run(mote_loader *ld, mote_in *in, mote_out *out, mote_event *event)
{
    mote_status st = ld->st;
    memset(event, 0, sizeof *event);
    while (st == MOTE_OK && event->type == MOTE_EVENT_NONE) {
        take(ld, in);
        if (ld->have < ld->want) return MOTE_NEED_INPUT;
        event->index = ld->index;
        st = turn(ld, out, event);
    }
    if (st != MOTE_OK) event->type = MOTE_EVENT_NONE;
    return mote_loader_fail(ld, st);
}

mote_status mote_loader_step(mote_loader *ld, mote_in *in, mote_out *out, mote_event *event)
{
    event->type = MOTE_EVENT_NONE;
    if (ld->pulling && ld->st == MOTE_OK) return MOTE_ERR_STATE;
    mote_status st = run(ld, in, out, event);
    if (st != MOTE_OK || event->type != MOTE_EVENT_DONE || in->left == 0) return st;
    event->type = MOTE_EVENT_NONE;
    return mote_loader_fail(ld, MOTE_ERR_TRAILING);
}

mote_status mote_loader_end(mote_loader *ld)
{
    if (ld->st != MOTE_OK) return ld->st;
    return ld->state == ST_DONE ? MOTE_OK : mote_loader_fail(ld, MOTE_ERR_TRUNCATED);
}

mote_status mote_loader_form(mote_loader *ld, mote_form form)
{
    if (ld->st != MOTE_OK) return ld->st;
    if (!ld->choosing) return MOTE_ERR_STATE;
    if (!has_form(ld, form)) return MOTE_ERR_ARG;
    ld->form = (uint8_t)form;
    return MOTE_OK;
}

mote_status mote_loader_target(mote_loader *ld, uint8_t *to, size_t bytes)
{
    mote_dest d;
    mote_status st = mote_loader_form(ld, (mote_form)ld->form);
    if (st == MOTE_OK && is_native(ld)) st = MOTE_ERR_ARG;
    if (st == MOTE_OK) st = mote_dest_tensor(&d, &ld->head, 0, (mote_form)ld->form, to, bytes);
    if (st != MOTE_OK) return st;
    ld->target = to;
    ld->target_bytes = bytes;
    return MOTE_OK;
}

mote_status mote_loader_skip(mote_loader *ld)
{
    mote_status st = mote_loader_form(ld, (mote_form)ld->form);
    if (st != MOTE_OK) return st;
    ld->skip = 1;
    if (ld->pulling) {
        ld->choosing = 0;
        ld->state = ST_TENSOR_END;
    }
    return MOTE_OK;
}

/* ---- pulling ---- */

mote_status mote_loader_fetch(mote_loader *ld, const mote_source *source)
{
    const uint32_t n = ld->want - ld->have;
    /* not permanent: what was wanted is still wanted */
    if (ld->to && source->read(source->ctx, ld->file_at, ld->to + ld->have, n) != 0) return MOTE_ERR_IO;
    ld->have += n;
    ld->file_at += n;
    return MOTE_OK;
}

mote_status mote_loader_pull(mote_loader *ld, const mote_source *source, mote_out *out, mote_event *event)
{
    mote_in none = { 0 };
    ld->pulling = 1;
    for (;;) {
        mote_status st = run(ld, &none, out, event);
        if (st != MOTE_NEED_INPUT) return st;
        st = mote_loader_fetch(ld, source);
        if (st != MOTE_OK) return st;
    }
}

bool mote_loader_complete(const mote_loader *ld)
{
    return ld->st == MOTE_OK && ld->state == ST_DONE && ld->chunks_read >= ld->manifest.n_chunks && !ld->finding &&
           !ld->resume;
}

mote_status mote_loader_find(mote_loader *ld, const mote_source *source, uint8_t kind, mote_text name,
                             mote_entry *entry)
{
    if (ld->st != MOTE_OK) return ld->st;
    if (ld->state < ST_BODY || (ld->state > ST_BODY && !ld->pulling)) return MOTE_ERR_STATE;
    if (ld->state == ST_BODY) (void)mote_loader_begin_body(ld);
    ld->pulling = ld->finding = 1;
    ld->phase = PH_ENTRIES;
    ld->choosing = 0;
    ld->index = ld->resume = 0;
    memset(&ld->seen, 0, sizeof ld->seen);
    mote_status st = mote_loader_go_to(ld, 0, 0);
    if (st != MOTE_OK) return mote_loader_fail(ld, st);
    while (ld->index < ld->manifest.facts.n_entries) {
        mote_event event;
        mote_out no_output = { 0 };
        st = mote_loader_pull(ld, source, &no_output, &event); /* an entry: nothing else stands here */
        if (st != MOTE_OK) return st;
        const mote_entry *e = &ld->entry;
        int order = mote_entry_compare(e->kind, e->name, kind, name);
        if (order > 0) break; /* the directory is sorted */
        if (order < 0) continue;
        *entry = *e;
        ld->index--;
        ld->phase = PH_HEAD;
        ld->state = ST_FOUND;
        if (e->elements) st = mote_loader_go_to(ld, e->chunk, e->offset);
        return mote_loader_fail(ld, st);
    }
    ld->state = ST_FOUND;
    return MOTE_ERR_MISSING_TENSOR;
}
