/* SPDX-License-Identifier: Apache-2.0
 * Encode and decode: the input says what tensor, of what, and how it is to be encoded; everything that
 * roundtrip_check.h lists must hold. */
#include "roundtrip_check.h"

#define ELEMENTS_MAX 5000
#define HEAD 12

typedef struct input {
    const uint8_t *p;
    size_t n;
} input;

/* Numbers that look like weights, or like trouble. */
static void fill(uint8_t *data, size_t bytes, unsigned dtype, unsigned how, input in)
{
    uint64_t state = 88172645463325252u;
    for (size_t i = 0; i < in.n; i++) state = state * 6364136223846793005u + in.p[i] + 1;
    const unsigned size = mote_dtype_bits(dtype) < 8 ? 1 : mote_dtype_bits(dtype) / 8;
    for (size_t i = 0; i < bytes; i++) {
        if (i % size == 0) state = state * 6364136223846793005u + 1442695040888963407u;
        const uint8_t noise = (uint8_t)(state >> (8 + 3 * (i % size)));
        const uint8_t given = in.n ? in.p[i % in.n] : 0;
        switch (how & 7) {
        case 0: /* the input over and over */ data[i] = given; break;
        case 1: /* noise */ data[i] = noise; break;
        case 2: /* mostly zeros */ data[i] = state >> 61 ? 0 : noise; break;
        case 3: /* one element over and over */ data[i] = in.n ? in.p[i % size % in.n] : 0; break;
        case 4: /* few values */
            data[i] =
                in.n ? in.p[(state >> 60) * size % in.n + i % size < in.n ? (state >> 60) * size % in.n + i % size : 0]
                     : 0;
            break;
        default: /* an exponent that wanders, noise below it */
            data[i] = i % size + 1 == size && size > 1 ? (uint8_t)(given / 64 + 0x3C + (noise & 0x80)) : noise;
            if ((how & 7) == 6 && i % size < size / 2) data[i] = 0; /* held by a narrower type */
            if ((how & 7) == 7 && state >> 62) data[i] = 0;
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < HEAD) return 0;
    const uint8_t *h = data;
    const input rest = { data + HEAD, size - HEAD };
    mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
    static const uint8_t bits[] = { 1, 2, 3, 4, 5, 6, 7, 8, 16 };
    static const uint32_t chunks[] = { 256, 300, 1024, 4096, 16384, 65536, 0, 1 << 20 };
    static const mote_dtype scales[] = { MOTE_F32, MOTE_F16, MOTE_BF16 };
    o.method = (mote_method)((h[0] & 3) + 4 * (h[10] & 1) + 8 * (h[10] >> 1 & 1));
    if (o.method == MOTE_METHOD_TRELLIS || o.method > MOTE_METHOD_SCALED_E5M2)
        o.method = MOTE_METHOD_CODEBOOK; /* below */
    o.entries = 2 + h[9] % 255;
    o.book_rows = h[10] >> 2 & 7;
    o.profile = (mote_profile)((h[0] >> 2 & 3) % 3);
    o.chunk_max = chunks[h[0] >> 4 & 7];
    o.bits = bits[h[1] % 9];
    o.scope = (mote_scope)(h[1] / 9 % 3);
    o.zero_point = h[1] / 27 & 1;
    o.ternary = o.method == MOTE_METHOD_AFFINE && o.bits == 2 && !o.zero_point && h[10] >> 5 & 1;
    o.scale_dtype = scales[h[1] / 54 % 3];
    o.group = 1 + h[2];
    o.small = h[3] & 1 ? 1 : 1024;
    if (h[3] & 2) o.prune_fraction = h[4] / 256.0;
    if ((h[3] & 6) == 4) o.prune_threshold = h[4] / 64.0;
    if ((h[3] & 6) == 0 && (h[11] >> 3 & 3) == 1) o.of = 2 + (h[4] & 7), o.keep = 1 + (h[4] >> 3) % (o.of - 1);
    if ((h[3] & 6) == 0 && (h[11] >> 3 & 3) == 2) o.prune_rows = h[4] / 256.0;
    if ((h[3] & 24) == 8) o.rank = 1 + (h[4] & 31);
    if ((h[3] & 24) == 16) o.energy = (1 + h[4]) / 256.0;
    if (o.rank || o.energy > 0) o.residual = (h[10] >> 6) * 3u % 9;
    o.tensor_digests = h[3] >> 5 & 1;
    float importance[256];
    if (h[3] & 64) {
        static const uint16_t states[] = { 8, 1, 32, 256, 8, 32, 1024, 2048 };
        o.method = MOTE_METHOD_TRELLIS;
        o.states = states[h[1] & 7];
        o.native = h[1] & 8 ? h[1] & 16 ? 8 : 16 : 0;
        if (h[1] & 32)
            o.step = ldexp(1 + h[2] / 256.0, (int)(h[4] & 63) - 40);
        else
            o.snr_db = (1 + h[2]) * 120 / 256.0;
        o.prune_fraction = o.prune_threshold = o.prune_rows = o.energy = 0;
        o.rank = o.of = o.keep = o.residual = 0;
        o.ternary = 0;
        for (unsigned i = 0; i < 256; i++) importance[i] = (float)(h[4] % (i + 3));
        if (h[1] & 64) {
            o.importance = importance;
            o.importance_columns = h[6] & 3 ? h[8] : 1 + h[4];
        }
    }
    mote_model_tensor t = { .name = "t", .dtype = (mote_dtype)(1 + h[5] % 25), .rank = h[6] % 5, .elements = 1 };
    for (unsigned i = 0; i < t.rank; i++) {
        t.shape[i] = h[7 + i];
        if (i == 1 && h[6] & 128) t.shape[i] = t.shape[i] * 16 + 1;
        t.elements *= t.shape[i];
    }
    if (t.elements > ELEMENTS_MAX) return 0;
    t.bytes = dtype_bytes(t.dtype, t.elements);
    uint8_t *tensor = calloc((size_t)t.bytes + 1, 1);
    MUST(tensor);
    fill(tensor, (size_t)t.bytes, t.dtype, h[11], rest);
    (void)check_roundtrip(&o, &t, tensor);
    free(tensor);
    return 0;
}
