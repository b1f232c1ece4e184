/* SPDX-License-Identifier: Apache-2.0
 * SHA-256 for parts that have none in hardware or ROM. Everything is rolled up for size: input enters one byte at a
 * time, so neither alignment nor byte order matters and no block buffer is needed beside the message schedule. */
#include <string.h>

#include "mote/platform.h"

/* First 32 bits of the fractional parts of the cube roots of the first 64 primes. Source FIPS 180-4, 4.2.2 */
static const uint32_t round_constant[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

/* Likewise of the square roots of the first 8 primes. Source FIPS 180-4, 5.3.3 */
static const uint32_t initial_hash[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                          0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

typedef struct sha256 {
    uint32_t h[8];
    uint32_t w[16]; /* the block being filled, then the last 16 words of the schedule */
    uint64_t bytes;
} sha256;

static uint32_t rotr(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

/* Source FIPS 180-4, 6.2.2. The schedule is a ring of 16 words: once round t has used W[t], its place takes W[t+16].
 * Eight names that move on by one place a round: moves between registers, where an array would be loads and stores. */
static void compress(sha256 *s)
{
    uint32_t a = s->h[0], b = s->h[1], c = s->h[2], d = s->h[3], e = s->h[4], f = s->h[5], g = s->h[6], h = s->h[7];
    for (unsigned t = 0; t < 64; t++) {
        uint32_t *w = &s->w[t & 15];
        const uint32_t t1 = h + (rotr(rotr(rotr(e, 14) ^ e, 5) ^ e, 6)) + (g ^ (e & (f ^ g))) + round_constant[t] + *w;
        const uint32_t t2 = (rotr(rotr(rotr(a, 9) ^ a, 11) ^ a, 2)) + ((a & b) | (c & (a | b)));
        h = g;
        g = f;
        f = e;
        e = d + t1;
        d = c;
        c = b;
        b = a;
        a = t1 + t2;
        /* In the last 16 rounds this computes words that nobody reads; a test for it would be larger. */
        const uint32_t w1 = s->w[(t + 1) & 15], w14 = s->w[(t + 14) & 15];
        *w += (rotr(w1, 7) ^ rotr(w1, 18) ^ w1 >> 3) + s->w[(t + 9) & 15] + (rotr(w14, 17) ^ rotr(w14, 19) ^ w14 >> 10);
    }
    s->h[0] += a;
    s->h[1] += b;
    s->h[2] += c;
    s->h[3] += d;
    s->h[4] += e;
    s->h[5] += f;
    s->h[6] += g;
    s->h[7] += h;
}

/* Bytes enter one at a time, from wherever they are: neither alignment nor byte order matters. */
static void put(sha256 *s, const uint8_t *p, size_t n)
{
    uint32_t at = (uint32_t)s->bytes;
    s->bytes += n;
    while (n-- > 0) { /* not up to p + n: p may be NULL with nothing to read */
        uint32_t *w = &s->w[(at >> 2) & 15];
        *w = *w << 8 | *p++; /* after four bytes nothing is left of what the word held */
        if ((++at & 63) == 0) compress(s);
    }
}

void mote_sha256_small(void *ctx, uint8_t digest[MOTE_DIGEST_BYTES], const uint8_t *const part[], const size_t bytes[],
                       size_t n)
{
    (void)ctx;
    sha256 s = { .bytes = 0 };
    memcpy(s.h, initial_hash, sizeof s.h);
    for (size_t p = 0; p < n; p++) put(&s, part[p], bytes[p]);
    /* Padding, FIPS 180-4, 5.1.1: a one bit, zeros up to 8 bytes before a block's end, the length in bits. */
    const uint64_t total = s.bytes;
    static const uint8_t pad[2] = { 0x80, 0 };
    put(&s, pad, 1);
    while ((s.bytes & 63) != 56) put(&s, pad + 1, 1);
    s.w[14] = (uint32_t)(total >> 29);
    s.w[15] = (uint32_t)total << 3;
    compress(&s);
    for (unsigned i = 0; i < MOTE_DIGEST_BYTES; i++) {
        digest[i] = (uint8_t)(s.h[i / 4] >> 24);
        s.h[i / 4] <<= 8;
    }
}
