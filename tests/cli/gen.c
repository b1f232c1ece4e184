/* SPDX-License-Identifier: Apache-2.0
 * Inputs for the tests of the tool: small models whose bytes are the same everywhere, and damage to files.
 *
 *   gen model FILE          a safetensors file of some tensors of several types, with metadata
 *   gen big FILE ROWS       a safetensors file of one f32 tensor of ROWS x 1024
 *   gen waves FILE          one of 64 x 1024 whose rows are loud and quiet in turn, each elsewhere
 *   gen nan FILE            one of 64 x 64 with a NaN in it
 *   gen lie FILE            a package whose only tensor does not have the digest that its entry states
 *   gen snr FILE FILE       signal to noise, in dB, of the second of two such files
 *   gen flip FILE OFFSET    flip the lowest bit of a byte; a negative offset counts from the end */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mote/encode.h"

static uint64_t state = 0x9E3779B97F4A7C15u;

static uint32_t noise(void)
{
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(state >> 33);
}

/* About a bell curve, as weights have: sums of four. All steps are exact in binary32. */
static float weight(void)
{
    int sum = 0;
    for (int i = 0; i < 4; i++) sum += (int)(noise() & 0xFFFF) - 0x8000;
    return (float)sum / 1048576.0f;
}

static void put(FILE *f, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) (void)fputc((int)(v >> 8 * i & 0xFF), f);
}

static uint32_t bits(float x)
{
    uint32_t u;
    memcpy(&u, &x, sizeof u);
    return u;
}

static void header(FILE *f, const char *json)
{
    const size_t n = (strlen(json) + 7) / 8 * 8;
    put(f, n, 8);
    (void)fprintf(f, "%-*s", (int)n, json);
}

static void model(FILE *f)
{
    header(f, "{\"__metadata__\":{\"format\":\"pt\",\"note\":\"a test\"},"
              "\"conv.weight\":{\"dtype\":\"F32\",\"shape\":[8,3,3,3],\"data_offsets\":[0,864]},"
              "\"empty\":{\"dtype\":\"F32\",\"shape\":[0,4],\"data_offsets\":[864,864]},"
              "\"fc.bias\":{\"dtype\":\"F32\",\"shape\":[64],\"data_offsets\":[864,1120]},"
              "\"fc.weight\":{\"dtype\":\"F32\",\"shape\":[64,128],\"data_offsets\":[1120,33888]},"
              "\"half.weight\":{\"dtype\":\"BF16\",\"shape\":[16,96],\"data_offsets\":[33888,36960]},"
              "\"ids\":{\"dtype\":\"I64\",\"shape\":[4],\"data_offsets\":[36960,36992]},"
              "\"scale\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[36992,36996]}}");
    for (int i = 0; i < 216 + 64 + 64 * 128; i++) put(f, bits(weight()), 4);
    for (int i = 0; i < 16 * 96; i++) put(f, bits(weight()) >> 16, 2);
    for (uint64_t i = 0; i < 4; i++) put(f, i * 1000, 8);
    put(f, bits(0.125f), 4);
}

static void not_a_number(FILE *f)
{
    header(f, "{\"bad.weight\":{\"dtype\":\"F32\",\"shape\":[64,64],\"data_offsets\":[0,16384]}}");
    for (int i = 0; i < 64 * 64; i++) put(f, i == 1000 ? 0x7FC00001u : bits(weight()), 4);
}

static uint64_t get(FILE *f, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < bytes; i++) v |= (uint64_t)(uint8_t)fgetc(f) << 8 * i;
    return v;
}

static float get_float(FILE *f)
{
    const uint32_t u = (uint32_t)get(f, 4);
    float x;
    memcpy(&x, &u, sizeof x);
    return x;
}

static int snr(const char *of, const char *to)
{
    FILE *f[2] = { fopen(of, "rb"), fopen(to, "rb") };
    double signal = 0, noise = 0;
    long n = 0;
    for (int i = 0; i < 2; i++)
        if (!f[i] || fseek(f[i], (long)get(f[i], 8), SEEK_CUR) != 0) return 1;
    for (;; n++) {
        const double x = (double)get_float(f[0]), y = (double)get_float(f[1]);
        if (feof(f[0]) || feof(f[1])) break;
        signal += x * x;
        noise += (x - y) * (x - y);
    }
    printf("%.2f\n", 10 * log10(signal / noise));
    int bad = !feof(f[0]) || !feof(f[1]) || n == 0;
    for (int i = 0; i < 2; i++)
        if (fclose(f[i]) != 0) bad = 1;
    return bad;
}

static void big(FILE *f, unsigned rows)
{
    char json[160];
    (void)snprintf(json, sizeof json, "{\"w\":{\"dtype\":\"F32\",\"shape\":[%u,1024],\"data_offsets\":[0,%llu]}}", rows,
                   4096ull * rows);
    header(f, json);
    for (uint64_t i = 0; i < 1024ull * rows; i++) put(f, bits(weight()), 4);
}

/* Neither rows nor columns have a scale of their own: only what came before says what comes. */
static void waves(FILE *f)
{
    header(f, "{\"w\":{\"dtype\":\"F32\",\"shape\":[64,1024],\"data_offsets\":[0,262144]}}");
    for (unsigned r = 0; r < 64; r++)
        for (unsigned c = 0; c < 1024; c++) put(f, bits(ldexpf(weight(), -(int)((c + 61 * r) / 64 % 8))), 4);
}

static int flip(const char *path, long at)
{
    FILE *f = fopen(path, "r+b");
    int c;
    if (!f || fseek(f, at, at < 0 ? SEEK_END : SEEK_SET) != 0 || (c = fgetc(f)) == EOF) return 1;
    if (fseek(f, at, at < 0 ? SEEK_END : SEEK_SET) != 0) return 1;
    (void)fputc(c ^ 1, f);
    return fclose(f) != 0;
}

static int put_bytes(void *f, const uint8_t *p, size_t n)
{
    return fwrite(p, 1, n, f) == n ? 0 : -1;
}

/* A package that holds 2, 4, 6 and states the digest of something else. */
static int lie(FILE *f)
{
    static const uint8_t digest[MOTE_DIGEST_BYTES] = { 1 }, data[3] = { 2, 4, 6 };
    const mote_model_tensor t = { .name = "t", .dtype = MOTE_U8, .rank = 1, .shape = { 3 }, .elements = 3, .bytes = 3 };
    const mote_encode_options o = MOTE_ENCODE_OPTIONS_INIT;
    const mote_write_info info = { 0 };
    mote_model_error error;
    mote_coded c;
    mote_writer *w;
    if (mote_encode_tensor(&c, &o, &t, data, &error) != MOTE_OK) return 1;
    c.entry.digest = digest;
    if (mote_writer_create(&w, &c.entry, 1, 4096, &info) != MOTE_OK) return 1;
    const mote_status st = mote_writer_write(w, put_bytes, f);
    mote_writer_free(w);
    mote_coded_free(&c);
    return st != MOTE_OK;
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "flip") == 0) return flip(argv[2], strtol(argv[3], NULL, 10));
    if (argc == 4 && strcmp(argv[1], "snr") == 0) return snr(argv[2], argv[3]);
    FILE *f = argc >= 3 ? fopen(argv[2], "wb") : NULL;
    if (!f) return 2;
    if (argc == 3 && strcmp(argv[1], "model") == 0)
        model(f);
    else if (argc == 3 && strcmp(argv[1], "lie") == 0)
        return lie(f) || fclose(f) != 0;
    else if (argc == 3 && strcmp(argv[1], "nan") == 0)
        not_a_number(f);
    else if (argc == 3 && strcmp(argv[1], "waves") == 0)
        waves(f);
    else if (argc == 4 && strcmp(argv[1], "big") == 0)
        big(f, (unsigned)strtoul(argv[3], NULL, 10));
    else
        return 2;
    return fclose(f) != 0;
}
