/* SPDX-License-Identifier: Apache-2.0
 * Reads the input as a model file. If it is safetensors and opens: the tensors' bytes are views that cover what follows
 * the header exactly; written again as safetensors and as npz it stays the same model. */
#include "model_check.h"

static int by_address(const void *a, const void *b)
{
    const uint8_t *x = *(const uint8_t *const *)a, *y = *(const uint8_t *const *)b;
    return x < y ? -1 : x > y;
}

/* Views lie inside the file one after another, up to its last byte. */
static void check_views(mote_model *m, const uint8_t *file, size_t size)
{
    size_t n, used = 0, count = 0;
    const mote_model_tensor *t = mote_model_tensors(m, &n);
    const uint8_t **ends = malloc(2 * (n + 1) * sizeof *ends);
    MUST(ends != NULL);
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = NULL;
        MUST(mote_model_data(m, i, &p, NULL) == MOTE_OK && p != NULL);
        if (t[i].bytes == 0) continue;
        MUST(p > file && t[i].bytes <= size && (size_t)(p - file) <= size - t[i].bytes);
        ends[count++] = p;
        ends[count++] = p + t[i].bytes;
        used += t[i].bytes;
    }
    /* Sorted, begins and ends alternate unless two views overlap; then each end is the next begin. */
    qsort(ends, count, sizeof *ends, by_address);
    for (size_t i = 1; i + 1 < count; i += 2) MUST(ends[i] == ends[i + 1]);
    MUST(count == 0 ? used == 0 : ends[count - 1] == file + size && (size_t)(ends[count - 1] - ends[0]) == used);
    free(ends);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    mote_status st;
    mote_model *m = open_model(data, size, &st);
    if (m == NULL) return 0;
    check_tensors(m);
    if (strcmp(mote_model_format(m), "safetensors") == 0) {
        check_views(m, data, size);
        check_round_trip(m, MOTE_EXPORT_SAFETENSORS);
        check_round_trip(m, MOTE_EXPORT_NPZ);
    }
    mote_model_close(m);
    return 0;
}
