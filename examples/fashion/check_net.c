/* SPDX-License-Identifier: Apache-2.0
 * Classifies the test images with the float32 weights straight from the safetensors file, without any package. What it
 * prints is the figure that every packed form of the network is compared with, and it fails if the C inference and the
 * accuracy that training measured (stored as metadata in the file) disagree.
 *
 *   check_net fashion.safetensors images.safetensors [IDX_IMAGES IDX_LABELS]
 *
 * The last two are uncompressed idx files of the complete test set; pipes will do. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fashion_net.h"

enum { IMAGE = MOTE_FASHION_SIDE * MOTE_FASHION_SIDE, SUBSET = 2000 };

typedef struct file {
    uint8_t *bytes;
    size_t size;
} file;

typedef struct network {
    float *weights[MOTE_FASHION_LAYERS], *biases[MOTE_FASHION_LAYERS];
} network;

/* The whole file on the heap, whether it can be sought or not; bytes is NULL if it cannot be read. */
static file file_read(const char *path)
{
    file f = { NULL, 0 };
    FILE *in = fopen(path, "rb");
    size_t room = 0, got = 1;
    while (in && got > 0) {
        if (f.size == room) {
            room = room ? 2 * room : 1u << 20;
            uint8_t *more = realloc(f.bytes, room);
            if (!more) break;
            f.bytes = more;
        }
        got = fread(f.bytes + f.size, 1, room - f.size, in);
        f.size += got;
    }
    if (!in || got > 0 || ferror(in)) { /* got > 0: left the loop without memory */
        free(f.bytes);
        f.bytes = NULL;
        fprintf(stderr, "check_net: cannot read %s\n", path);
    }
    if (in) fclose(in);
    return f;
}

/* The JSON header of a safetensors file and where the data behind it starts; NULL if there is none. */
static json_t *header_read(const file *f, size_t *data)
{
    uint64_t n = 0;
    for (size_t i = 0; f->size >= 8 && i < 8; i++) n |= (uint64_t)f->bytes[i] << (8 * i);
    bool whole = f->size >= 8 && n <= f->size - 8;
    *data = whole ? 8 + (size_t)n : 0;
    json_t *header = whole ? json_loadb((const char *)f->bytes + 8, (size_t)n, 0, NULL) : NULL;
    if (!header) fprintf(stderr, "check_net: no safetensors header\n");
    return header;
}

/* The bytes of a tensor (borrowed from the file), or NULL if it is not there with this dtype and size. */
static const uint8_t *tensor_bytes(const file *f, json_t *header, size_t data, const char *name, const char *dtype,
                                   size_t size)
{
    const char *found = NULL;
    json_int_t from = 0, to = 0;
    json_t *entry = json_object_get(header, name);
    if (!entry || json_unpack(entry, "{s:s, s:[I, I]}", "dtype", &found, "data_offsets", &from, &to) != 0 ||
        strcmp(found, dtype) != 0 || from < 0 || to < from || (uint64_t)to > f->size - data ||
        (uint64_t)(to - from) != size) {
        fprintf(stderr, "check_net: no %s tensor '%s' of %zu bytes\n", dtype, name, size);
        return NULL;
    }
    return f->bytes + data + from;
}

static float *floats_read(const file *f, json_t *header, size_t data, const char *name, size_t n)
{
    const uint8_t *le = tensor_bytes(f, header, data, name, "F32", 4 * n);
    float *v = le ? malloc(n * sizeof *v) : NULL;
    for (size_t i = 0; v && i < n; i++) {
        uint32_t bits =
            le[4 * i] | (uint32_t)le[4 * i + 1] << 8 | (uint32_t)le[4 * i + 2] << 16 | (uint32_t)le[4 * i + 3] << 24;
        memcpy(&v[i], &bits, 4);
    }
    return v;
}

static bool network_read(network *net, const file *f, json_t *header, size_t data)
{
    for (size_t i = 0; i < MOTE_FASHION_LAYERS; i++) {
        const mote_fashion_layer *l = &mote_fashion_layers[i];
        net->weights[i] = floats_read(f, header, data, l->weight, mote_fashion_row(l) * l->out);
        net->biases[i] = floats_read(f, header, data, l->bias, l->out);
        if (!net->weights[i] || !net->biases[i]) return false;
    }
    return true;
}

/* All activations of one image must be the same if the rows come one by one, last row first. */
static bool portions_agree(const network *net, const uint8_t *image)
{
    static float whole[MOTE_FASHION_WORK], parts[MOTE_FASHION_WORK];
    (void)mote_fashion_classify(whole, (const float *const *)net->weights, (const float *const *)net->biases, image);
    mote_fashion_input(parts, image);
    for (size_t i = 0; i < MOTE_FASHION_LAYERS; i++) {
        const mote_fashion_layer *l = &mote_fashion_layers[i];
        for (size_t r = l->out; r-- > 0;)
            if (!mote_fashion_rows(l, parts, net->weights[i] + r * mote_fashion_row(l), net->biases[i], r, 1))
                return false;
    }
    for (size_t i = 0; i < MOTE_FASHION_WORK; i++)
        if (!(whole[i] == parts[i])) return false;
    return true;
}

/* Classify n images, print the share that is right and the time; with a figure of training's, compare the two. */
static bool accuracy_check(const network *net, const uint8_t *images, const uint8_t *labels, size_t n, json_t *metadata)
{
    static float work[MOTE_FASHION_WORK];
    char key[40];
    size_t hits = 0;
    clock_t start = clock();
    for (size_t i = 0; i < n; i++)
        hits += labels[i] == mote_fashion_classify(work, (const float *const *)net->weights,
                                                   (const float *const *)net->biases, images + i * IMAGE);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC, got = (double)hits / (double)n;
    printf("%5zu images  accuracy %.4f  %.2f s", n, got, seconds);

    snprintf(key, sizeof key, "test_accuracy_%zu", n);
    const char *stated = json_string_value(json_object_get(metadata, key));
    double off = stated ? got - strtod(stated, NULL) : 0;
    bool fine = off < 0.0006 && off > -0.0006; /* another order of additions may turn a tie */
    printf("  training said %s%s\n", stated ? stated : "nothing", fine ? "" : "  DIFFERS");
    return fine;
}

/* The count items of size bytes in an idx file of bytes with n dimensions, or NULL if it is not one. */
static const uint8_t *idx_items(const file *f, unsigned n, size_t size, size_t *count)
{
    const uint8_t *b = f->bytes;
    size_t head = 4 + 4 * (size_t)n;
    if (!b || f->size < head || b[0] != 0 || b[1] != 0 || b[2] != 8 || b[3] != n) return NULL;
    *count = (size_t)b[4] << 24 | (size_t)b[5] << 16 | (size_t)b[6] << 8 | b[7];
    return (f->size - head) % size == 0 && (f->size - head) / size == *count ? b + head : NULL;
}

/* Both accuracies; argv as in the head of this file. */
static bool check(const network *net, json_t *metadata, int argc, char **argv)
{
    file images = file_read(argv[2]), idx[2] = { { NULL, 0 }, { NULL, 0 } };
    size_t data = 0, n = 0, n_labels = 0;
    json_t *header = images.bytes ? header_read(&images, &data) : NULL;
    const uint8_t *im = header ? tensor_bytes(&images, header, data, "images", "U8", (size_t)SUBSET * IMAGE) : NULL;
    const uint8_t *lab = header ? tensor_bytes(&images, header, data, "labels", "U8", SUBSET) : NULL;
    bool fine = im && lab && accuracy_check(net, im, lab, SUBSET, metadata);
    if (im && lab && !portions_agree(net, im)) {
        fprintf(stderr, "check_net: outputs depend on how the rows are portioned\n");
        fine = false;
    }
    if (argc == 5) {
        for (int i = 0; i < 2; i++) idx[i] = file_read(argv[3 + i]);
        im = idx_items(&idx[0], 3, IMAGE, &n);
        lab = idx_items(&idx[1], 1, 1, &n_labels);
        if (!im || !lab || n != n_labels || n == 0)
            fprintf(stderr, "check_net: %s and %s are no pair of idx files\n", argv[3], argv[4]);
        else
            fine = accuracy_check(net, im, lab, n, metadata) && fine;
        fine = fine && im && lab && n == n_labels;
    }
    free(idx[0].bytes);
    free(idx[1].bytes);
    json_decref(header);
    free(images.bytes);
    return fine;
}

int main(int argc, char **argv)
{
    if (argc != 3 && argc != 5) {
        fprintf(stderr, "usage: check_net NET.safetensors IMAGES.safetensors [IDX_IMAGES IDX_LABELS]\n");
        return 2;
    }
    file f = file_read(argv[1]);
    network net = { { NULL }, { NULL } };
    size_t data = 0;
    json_t *header = f.bytes ? header_read(&f, &data) : NULL;
    bool fine = header && network_read(&net, &f, header, data) &&
                check(&net, json_object_get(header, "__metadata__"), argc, argv);
    for (size_t i = 0; i < MOTE_FASHION_LAYERS; i++) {
        free(net.weights[i]);
        free(net.biases[i]);
    }
    json_decref(header);
    free(f.bytes);
    return fine ? 0 : 1;
}
