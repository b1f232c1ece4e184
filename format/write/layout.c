/* SPDX-License-Identifier: Apache-2.0
 * Sorts entries, cuts records into chunks, assigns places and adds up the facts. Spec format.md 5.2, 8, 9. Host only. */
#include "write/layout.h"

#include <stdlib.h>
#include <string.h>

static size_t header_bytes(size_t value)
{
    return 1 + mote_varint_bytes(value); /* record types are below 128 */
}

static mote_text text_of(const char *s)
{
    return (mote_text){ s, strlen(s) };
}

static int by_kind_and_name(const void *a, const void *b)
{
    const mote_write_entry *x = *(const mote_write_entry *const *)a, *y = *(const mote_write_entry *const *)b;
    return mote_entry_compare((uint8_t)x->kind, text_of(x->name), (uint8_t)y->kind, text_of(y->name));
}

/* Records go one after the other into the current chunk; a new one begins where the next does not fit or must not
 * share. */
static mote_status cut(mote_layout *l, size_t first)
{
    if (l->n_chunks + 1 >= l->cap_chunks) {
        size_t cap = l->cap_chunks ? l->cap_chunks * 2 : 64;
        mote_cut *p = realloc(l->chunks, cap * sizeof *p);
        if (!p) return MOTE_ERR_NOMEM;
        l->chunks = p;
        l->cap_chunks = cap;
    }
    if (l->n_chunks == MOTE_CHUNKS_MAX) return MOTE_ERR_LIMIT;
    l->chunks[l->n_chunks++] = (mote_cut){ .first = first };
    l->chunks[l->n_chunks] = (mote_cut){ .first = first };
    return MOTE_OK;
}

static mote_status put(mote_layout *l, uint8_t type, mote_piece value, bool fresh, uint32_t chunk_max)
{
    size_t total = value.bytes + header_bytes(value.bytes);
    if (value.bytes > chunk_max || total > chunk_max) return MOTE_ERR_LIMIT;
    if (fresh || l->n_chunks == 0 || total > chunk_max - l->chunks[l->n_chunks - 1].bytes) {
        mote_status st = cut(l, l->n_slots);
        if (st != MOTE_OK) return st;
    }
    mote_cut *c = &l->chunks[l->n_chunks - 1];
    c->bytes += (uint32_t)total;
    if (c->bytes > l->facts.chunk_max) l->facts.chunk_max = c->bytes;
    l->slots[l->n_slots++] = (mote_slot){ type, value };
    c[1].first = l->n_slots;
    return MOTE_OK;
}

/* Nothing that becomes a fact is beyond MOTE_COUNT_MAX: mote_layout_make() has looked. */
static size_t most(size_t a, uint64_t b)
{
    return b > a ? (size_t)b : a;
}

/* What could not even be written as an entry. */
static bool is_entry(const mote_write_entry *e)
{
    return e->name && e->kind >= MOTE_KIND_TENSOR && e->kind <= MOTE_KIND_TEXT && e->rank <= MOTE_RANK_MAX &&
           mote_dtype_bits(e->dtype) != 0;
}

/* Records and numbers must be those of `size`, the entry as a reader sees it. */
static bool has_its_records(const mote_write_entry *e, const mote_entry *size)
{
    if (size->elements == 0) return e->n_records == 0 && e->seg_elems == 0;
    return e->n_records >= 2 && e->n_records - 2 >= e->n_residents && /* head, residents, a segment */
           e->seg_elems >= 1 && e->seg_elems <= size->elements;
}

static uint64_t stored_bytes(const mote_write_entry *e)
{
    uint64_t n = 0;
    for (size_t i = 0; i < e->n_records; i++) n += e->records[i].bytes + header_bytes(e->records[i].bytes);
    return n;
}

/* The value of an entry record; its size does not depend on the place, which is patched in later. */
static void write_entry(mote_wr *w, const mote_write_entry *e, uint64_t stored, size_t *place_at)
{
    uint8_t b = (uint8_t)e->kind;
    mote_wr_field_bytes(w, 2, &b, 1);
    mote_wr_field_bytes(w, 4, e->name, strlen(e->name));
    b = (uint8_t)e->dtype;
    mote_wr_field_bytes(w, 6, &b, 1);
    mote_wr shape = { 0 };
    for (unsigned i = 0; i < e->rank; i++) mote_wr_varint(&shape, e->shape[i]);
    mote_wr_field(w, 8, &shape);
    *place_at = w->n + 2;
    mote_wr_field_bytes(w, 10, (const uint8_t[8]){ 0 }, 8);
    mote_wr_field_varint(w, 12, stored);
    if (e->digest) mote_wr_field_bytes(w, 15, e->digest, MOTE_DIGEST_BYTES);
}

static void put_place(uint8_t *at, uint32_t chunk, uint32_t offset)
{
    for (int i = 0; i < 4; i++) {
        at[i] = (uint8_t)(chunk >> 8 * i);
        at[4 + i] = (uint8_t)(offset >> 8 * i);
    }
}

mote_status mote_layout_make(mote_layout *l, const mote_write_entry *entries, size_t n, uint32_t chunk_max)
{
    *l = (mote_layout){ .n_entries = n, .facts = { .n_entries = n } };
    if (n < 1 || n > UINT32_MAX || chunk_max < 64 || chunk_max > MOTE_CHUNK_MAX) return MOTE_ERR_ARG;
    size_t n_slots = n;
    for (size_t i = 0; i < n; i++) {
        if (!is_entry(&entries[i])) return MOTE_ERR_ARG;
        if (entries[i].n_records > SIZE_MAX / sizeof *l->slots - n_slots) return MOTE_ERR_NOMEM;
        n_slots += entries[i].n_records;
    }
    struct sized {
        size_t at, bytes, place_at; /* of the entry's value in the directory */
    } *sized = calloc(n, sizeof *sized);
    l->entries = malloc(n * sizeof *l->entries);
    l->slots = malloc(n_slots * sizeof *l->slots);
    mote_status st = MOTE_ERR_NOMEM;
    if (!sized || !l->entries || !l->slots) goto out;
    for (size_t i = 0; i < n; i++) l->entries[i] = &entries[i];
    qsort(l->entries, n, sizeof *l->entries, by_kind_and_name);

    mote_facts *f = &l->facts;
    for (size_t i = 0; i < n; i++) {
        const mote_write_entry *e = l->entries[i];
        mote_entry size;
        if (i && by_kind_and_name(&l->entries[i - 1], &l->entries[i]) == 0) {
            st = MOTE_ERR_ORDER;
            goto out;
        }
        sized[i] = (struct sized){ .at = l->directory.n };
        write_entry(&l->directory, e, stored_bytes(e), &sized[i].place_at);
        if ((st = l->directory.st) != MOTE_OK) goto out;
        sized[i].bytes = l->directory.n - sized[i].at;
        /* the reader's own view of the entry gives its sizes and refuses what a reader would refuse */
        st = mote_entry_read(&size, l->directory.p + sized[i].at, sized[i].bytes);
        if (st != MOTE_OK) goto out;
        if (!has_its_records(e, &size)) {
            st = MOTE_ERR_ARG;
            goto out;
        }
        /* facts have the width of size_t: none wraps, nor is cut, where it has 32 bits */
        const uint64_t raw = (e->seg_elems * mote_dtype_bits(e->dtype) + 7) / 8;
        if (e->resident_bytes > MOTE_COUNT_MAX || e->table_slots > MOTE_COUNT_MAX || raw > MOTE_COUNT_MAX ||
            size.bytes > MOTE_COUNT_MAX - f->decoded_total) {
            st = MOTE_ERR_LIMIT;
            goto out;
        }
        f->entry_max = most(f->entry_max, sized[i].bytes + header_bytes(sized[i].bytes));
        if (e->n_records) f->head_max = most(f->head_max, e->records[0].bytes + header_bytes(e->records[0].bytes));
        f->resident_max = most(f->resident_max, e->resident_bytes);
        f->seg_elems_max = most(f->seg_elems_max, e->seg_elems);
        f->seg_raw_max = most(f->seg_raw_max, raw);
        f->table_slots_max = most(f->table_slots_max, e->table_slots);
        f->tensor_max = most(f->tensor_max, size.bytes);
        f->decoded_total += size.bytes;
        for (int k = 0; k < 4; k++) l->needs.bit[k] |= e->needs.bit[k];
    }

    for (size_t i = 0; i < n; i++) {
        st = put(l, MOTE_RECORD_ENTRY, (mote_piece){ l->directory.p + sized[i].at, sized[i].bytes }, false, chunk_max);
        if (st != MOTE_OK) goto out;
    }
    for (size_t i = 0; i < n; i++) {
        const mote_write_entry *e = l->entries[i];
        bool several = e->n_records > 2 + (size_t)e->n_residents;
        for (size_t k = 0; k < e->n_records; k++) {
            uint8_t type = k == 0 ? MOTE_RECORD_HEAD : k <= e->n_residents ? MOTE_RECORD_RESIDENT : MOTE_RECORD_SEGMENT;
            st = put(l, type, e->records[k], several && (k == 0 || k > 1 + (size_t)e->n_residents), chunk_max);
            if (st != MOTE_OK) goto out;
            if (k == 0) {
                const mote_cut *c = &l->chunks[l->n_chunks - 1];
                size_t total = e->records[0].bytes + header_bytes(e->records[0].bytes);
                put_place(l->directory.p + sized[i].place_at, (uint32_t)l->n_chunks - 1, (uint32_t)(c->bytes - total));
            }
        }
    }
    st = MOTE_OK;
out:
    free(sized);
    return st;
}

void mote_layout_chunk(const mote_layout *l, size_t c, uint8_t *buf)
{
    for (size_t i = l->chunks[c].first; i < l->chunks[c + 1].first; i++) {
        const mote_slot *s = &l->slots[i];
        *buf++ = s->type;
        uint64_t v = s->value.bytes;
        for (; v >= 0x80; v >>= 7) *buf++ = (uint8_t)(v | 0x80);
        *buf++ = (uint8_t)v;
        if (s->value.bytes) memcpy(buf, s->value.data, s->value.bytes);
        buf += s->value.bytes;
    }
}

void mote_layout_free(mote_layout *l)
{
    free(l->entries);
    free(l->slots);
    free(l->chunks);
    mote_wr_free(&l->directory);
    *l = (mote_layout){ 0 };
}
