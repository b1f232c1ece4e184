/* SPDX-License-Identifier: Apache-2.0
 * Makes forms: a head, residents, segments, each within a chunk. Host only. */
#include "enc/records.h"

#include <stdlib.h>
#include <string.h>

#include "dec/seg.h"
#ifdef __linux__
#include <sys/mman.h>
#endif

#define BLOCK_BYTES ((size_t)1 << 20)
#define HUGE_BYTES ((size_t)1 << 21) /* of a page where there are huge ones */
#define TABLES_MAX ((size_t)2 * MOTE_PLANES * (MOTE_CLASSES_MAX + 2))

struct mote_records_block {
    mote_records_block *next;
    size_t used, room;
    uint8_t bytes[];
};

/* A block for n bytes after `before` others, and its room. A small tensor takes a small block; the next ones are large,
 * in the end of huge pages: touching each small one for the first time is what a large tensor's blocks would cost. */
static mote_records_block *new_block(uint64_t before, size_t n, size_t *room)
{
    mote_records_block *b = NULL;
    size_t bytes = before == 0 ? BLOCK_BYTES / 16 : before < 2 * HUGE_BYTES ? BLOCK_BYTES : HUGE_BYTES;
    if (n > bytes - sizeof *b) bytes = n + sizeof *b;
    if (bytes == HUGE_BYTES) {
        b = aligned_alloc(HUGE_BYTES, HUGE_BYTES);
#ifdef MADV_HUGEPAGE
        if (b) (void)madvise(b, HUGE_BYTES, MADV_HUGEPAGE); /* if it cannot be: small pages do, too */
#endif
    } else {
        b = malloc(bytes);
    }
    *room = bytes - sizeof *b;
    return b;
}

mote_status mote_records_add(mote_records *f, const uint8_t *p, size_t n)
{
    if (!f->blocks || f->blocks->room - f->blocks->used < n) {
        size_t room = 0;
        mote_records_block *b = new_block(f->bytes, n, &room);
        if (!b) return MOTE_ERR_NOMEM;
        b->next = f->blocks;
        b->used = 0;
        b->room = room;
        f->blocks = b;
    }
    if (f->n_records == f->room) {
        size_t room = f->room ? 2 * f->room : 8;
        mote_piece *r = realloc(f->records, room * sizeof *r);
        if (!r) return MOTE_ERR_NOMEM;
        f->records = r;
        f->room = room;
    }
    uint8_t *to = f->blocks->bytes + f->blocks->used;
    if (n) memcpy(to, p, n);
    f->blocks->used += n;
    f->records[f->n_records++] = (mote_piece){ to, n };
    f->bytes += 1 + mote_varint_bytes(n) + n;
    return MOTE_OK;
}

void mote_records_free(mote_records *f)
{
    while (f->blocks) {
        mote_records_block *next = f->blocks->next;
        free(f->blocks);
        f->blocks = next;
    }
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): NULL once it was released */
    free(f->records);
    *f = (mote_records){ 0 };
}

static void note_use(void *ctx, unsigned id)
{
    mote_needs_add(ctx, id);
}

/* One try at a given seg_elems. NEED_OUTPUT: a segment does not fit; *at says of which cutter. */
typedef struct attempt {
    mote_records *f;
    const mote_records_target *target;
    mote_work *work;
    mote_wr out;
    uint32_t room;
    uint32_t rows_per_record;
    mote_head head;
} attempt;

static mote_status write_head(attempt *a, const mote_cutter *k, const mote_cutter *v, const mote_cutter *second)
{
    mote_table tables[TABLES_MAX];
    mote_records *f = a->f;
    uint64_t seg = v ? k->seg_elems / k->c->m.cols * v->c->m.cols : k->seg_elems;
    a->out.n = 0;
    mote_head_write(&a->out, k, v, second, seg, a->rows_per_record);
    if (a->out.st != MOTE_OK) return a->out.st;
    if (a->out.n > a->room) return MOTE_ERR_HEAD;
    /* the reader's view of it counts: it refuses whatever readers would */
    mote_status st = mote_head_read(&a->head, tables, NULL, TABLES_MAX, mote_rd_init(a->out.p, a->out.n),
                                    a->target->dtype, a->target->elements, note_use, &f->needs);
    if (st != MOTE_OK) return st;
    f->head_bytes = a->out.n;
    f->seg_elems = mote_head_seg_max(&a->head);
    f->table_slots = a->head.n_tables;
    f->n_residents = a->head.n_residents;
    f->resident_bytes = 4 * (uint64_t)mote_seg_factors(&a->head);
    return mote_records_add(f, a->out.p, a->out.n);
}

/* second: what is added to U's rows, or NULL */
static mote_status write_segment(attempt *a, const mote_cutter *k, const mote_cutter *second, const mote_extent *e,
                                 mote_plane_writer *w)
{
    a->out.n = 0;
    w->more = second != NULL;
    mote_segment_write(k, e, w, a->work);
    w->more = false;
    if (second) {
        const mote_extent all = { .row = e->row, .rows = e->rows, .cols = second->c->m.cols };
        mote_segment_write(second, &all, w, a->work);
    }
    if (a->out.st != MOTE_OK) return a->out.st;
    if (a->out.n > a->room) return MOTE_NEED_OUTPUT;
    return mote_records_add(a->f, a->out.p, a->out.n);
}

static void add_parts(mote_parts *to, const mote_parts *p)
{
    to->classes += p->classes;
    to->scales += p->scales;
    to->symbols += p->symbols;
    to->escapes += p->escapes;
    to->raw += p->raw;
    to->layout += p->layout;
}

/* All residents (rows of V), or all segments. */
static mote_status write_all(attempt *a, const mote_cutter *k, const mote_cutter *second, bool residents)
{
    mote_plane_writer w;
    const size_t most = (size_t)(second ? second->seg_elems : k->seg_elems);
    mote_status st = mote_work_reserve(a->work, most);
    mote_status made = mote_plane_writer_init(&w, &a->out, most);
    if (st == MOTE_OK) st = made;
    const mote_head *h = &a->head;
    uint64_t n = residents ? h->n_residents : h->n_segments;
    for (uint64_t s = 0; s < n && st == MOTE_OK; s++) {
        mote_extent e;
        if (residents) {
            uint64_t row = s * a->rows_per_record, left = k->c->m.rows - row;
            e = (mote_extent){ .row = row, .rows = left < a->rows_per_record ? left : a->rows_per_record };
        } else {
            e = mote_head_extent(h, s);
        }
        if (residents || h->term.layout == MOTE_LAYOUT_LOWRANK) e.cols = k->c->m.cols;
        st = write_segment(a, k, second, &e, &w);
    }
    add_parts(&a->f->parts, &w.parts);
    mote_plane_writer_free(&w);
    return st;
}

/* Rows of U and of what is added to it go together: as many as the latter's share of a chunk holds. */
static mote_status cut_together(attempt *a, mote_cutter *k, mote_cutter *second, uint64_t most)
{
    mote_enc_limits part = *a->target->limits;
    const double all = k->c->bits + second->c->bits;
    if (all > 0) part.chunk_max = (uint32_t)(part.chunk_max * (second->c->bits / all));
    if (part.chunk_max < 64) part.chunk_max = 64;
    mote_status st = mote_cutter_cut(second, &part, most, true, a->work);
    if (st == MOTE_OK)
        st = mote_cutter_cut(k, a->target->limits, second->seg_elems / second->c->m.cols * k->c->m.cols, true, a->work);
    if (st == MOTE_OK) second->seg_elems = k->seg_elems / k->c->m.cols * second->c->m.cols;
    return st;
}

mote_status mote_records_make(mote_records *f, const mote_records_target *target, mote_cutter *k, mote_cutter *v,
                              mote_cutter *second, mote_work *w)
{
    attempt a = { .f = f, .target = target, .work = w, .room = mote_record_room(target->limits->chunk_max) };
    uint64_t most = target->most;
    mote_status st;
    if (second) {
        st = cut_together(&a, k, second, most);
    } else {
        if (v) { /* as many rows of U as the tensor's rows would be */
            most = most / v->c->m.cols * k->c->m.cols;
            if (most == 0) most = k->c->m.cols;
        }
        k->guess = !v;
        st = mote_cutter_cut(k, target->limits, most, v != NULL, w);
    }
    if (st == MOTE_OK && v) st = mote_cutter_cut(v, target->limits, UINT64_MAX, true, w);
    while (st == MOTE_OK) {
        if (v) a.rows_per_record = (uint32_t)(v->seg_elems / v->c->m.cols);
        st = write_head(&a, k, v, second);
        if (st == MOTE_OK && v) st = write_all(&a, v, NULL, true);
        bool residents = st == MOTE_NEED_OUTPUT;
        if (st == MOTE_OK) st = write_all(&a, k, second, false);
        if (st != MOTE_NEED_OUTPUT) break;
        if (k->guess) {
            k->guess = false;
            st = mote_cutter_cut(k, target->limits, most, false, w);
        } else {
            st = mote_cutter_shrink(residents ? v : k, v != NULL);
        }
        if (st == MOTE_OK && second) second->seg_elems = k->seg_elems / k->c->m.cols * second->c->m.cols;
        mote_records_free(f);
    }
    mote_wr_free(&a.out);
    if (st != MOTE_OK) mote_records_free(f);
    return st;
}
