/* SPDX-License-Identifier: Apache-2.0
 * Loads a package the way a device does, a few hundred bytes at a time through the streaming loader, and classifies
 * images with what comes out. Prints one row of the demo's table, or why the package was refused and how much of it had
 * been decoded by then.
 *
 *   fashion_demo PACKAGE.mote KEY.pub images.safetensors LABEL */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fashion_net.h"
#include "mote/loader.h"
#include "mote/model.h"
#include "mote/sign.h"

enum { PIECE = 500 }; /* bytes that "arrive" at a time */

/* The network's tensors, in the order of mote_fashion_layers. */
static float *weights[MOTE_FASHION_LAYERS], *biases[MOTE_FASHION_LAYERS];

static uint8_t *read_file(const char *path, size_t *bytes)
{
    FILE *f = fopen(path, "rb");
    if (!f || fseek(f, 0, SEEK_END) != 0) return NULL;
    long n = ftell(f);
    uint8_t *data = n < 0 ? NULL : malloc((size_t)n + 1);
    rewind(f);
    if (data && fread(data, 1, (size_t)n, f) != (size_t)n) data = NULL;
    fclose(f);
    *bytes = (size_t)n;
    return data;
}

/* Give the tensor that begins a place in the network, or leave it out. */
static mote_status place_tensor(mote_loader *ld, const mote_entry *e)
{
    bool is_bias;
    const mote_fashion_layer *l = mote_fashion_find(e->name.p, e->name.bytes, &is_bias);
    if (!l) return mote_loader_skip(ld);
    size_t n = l->out * (is_bias ? 1 : mote_fashion_row(l));
    float **to = &(is_bias ? biases : weights)[l - mote_fashion_layers];
    if (n == 0 || e->elements != n) return MOTE_ERR_SHAPE;
    free(*to); /* of an earlier load */
    *to = malloc(n * sizeof **to);
    if (!*to) return MOTE_ERR_NOMEM;
    return mote_loader_target(ld, (uint8_t *)*to, n * sizeof **to);
}

/* Push the package through a loader with this much memory; blocks counts what was decoded. */
static mote_status load(void *work, size_t bytes, const mote_loader_config *config, const uint8_t *package, size_t size,
                        size_t *blocks, size_t *needed)
{
    mote_loader *ld;
    mote_entry *names = NULL; /* names stay readable only until the next call: the demo keeps copies */
    char(*text)[64] = NULL;
    mote_status st = mote_loader_init(&ld, work, bytes, config);
    mote_in in = { package, 0 };
    mote_out none = { 0 };
    for (*blocks = 0; st == MOTE_OK || st == MOTE_NEED_INPUT;) {
        mote_event ev;
        st = mote_loader_step(ld, &in, &none, &ev);
        if (st == MOTE_NEED_INPUT) {
            size_t left = size - (size_t)(in.p - package);
            in.left = left < PIECE ? left : PIECE;
            if (in.left == 0) st = mote_loader_end(ld);
            continue;
        }
        if (st != MOTE_OK || ev.type == MOTE_EVENT_DONE) break;
        if (ev.type == MOTE_EVENT_MANIFEST) {
            free(names); /* there is one manifest, but only the loader knows that */
            free(text);
            names = calloc((size_t)ev.manifest->facts.n_entries, sizeof *names);
            text = calloc((size_t)ev.manifest->facts.n_entries, sizeof *text);
            if (!names || !text) st = MOTE_ERR_NOMEM;
        } else if (!names || !text) {
            st = MOTE_ERR_STATE; /* not before the manifest */
        } else if (ev.type == MOTE_EVENT_ENTRY) {
            names[ev.index] = *ev.entry;
            size_t n = ev.entry->name.bytes < sizeof *text ? ev.entry->name.bytes : sizeof *text;
            memcpy(text[ev.index], ev.entry->name.p, n);
            names[ev.index].name = (mote_text){ text[ev.index], n };
        } else if (ev.type == MOTE_EVENT_TENSOR) {
            st = place_tensor(ld, &names[ev.index]);
        } else if (ev.type == MOTE_EVENT_BLOCK) {
            ++*blocks;
        }
    }
    *needed = mote_loader_needed(ld);
    free(names);
    free(text);
    return st;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Share of the images whose class the network finds. */
static int accuracy(const char *path, double *share)
{
    size_t size, n, right = 0;
    uint8_t *file = read_file(path, &size);
    mote_model *m = NULL;
    mote_model_error error;
    static float work[MOTE_FASHION_WORK];
    if (!file || mote_model_open(&m, file, size, &error) != MOTE_OK) return -1;
    const mote_model_tensor *t = mote_model_tensors(m, &n);
    const uint8_t *images, *labels;
    if (n != 2 || mote_model_data(m, 0, &images, &error) != MOTE_OK ||
        mote_model_data(m, 1, &labels, &error) != MOTE_OK)
        return -1;
    size_t count = (size_t)t[1].elements, side = MOTE_FASHION_SIDE * MOTE_FASHION_SIDE;
    for (size_t i = 0; i < count; i++)
        right += mote_fashion_classify(work, (const float *const *)weights, (const float *const *)biases,
                                       images + i * side) == labels[i];
    *share = (double)right / (double)count;
    mote_model_close(m);
    free(file);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        fprintf(stderr, "usage: fashion_demo PACKAGE.mote KEY.pub images.safetensors LABEL\n");
        return 2;
    }
    static uint8_t key[MOTE_PUBLIC_KEY_BYTES];
    size_t size, blocks, needed;
    uint8_t *package = read_file(argv[1], &size);
    const mote_crypto *crypto = mote_crypto_host();
    if (!package || !crypto || mote_keyfile_read_public(argv[2], key) != MOTE_OK) {
        fprintf(stderr, "fashion_demo: cannot read %s or %s\n", argv[1], argv[2]);
        return 3;
    }
    mote_loader_config config = { .crypto = *crypto, .trust = { .keys = key, .n_keys = 1 }, .form = MOTE_FORM_F32 };

    /* A first call with little memory finds out, from the signed manifest alone, how much the package takes. */
    size_t bytes = 64 * 1024;
    void *work = malloc(bytes);
    if (!work) return 3;
    mote_status st = load(work, bytes, &config, package, size, &blocks, &needed);
    if (st == MOTE_ERR_MEMORY && needed > bytes) {
        bytes = needed;
        work = realloc(work, bytes);
        if (!work) return 3;
        st = load(work, bytes, &config, package, size, &blocks, &needed);
    }
    double begin = seconds();
    if (st == MOTE_OK) st = load(work, bytes, &config, package, size, &blocks, &needed);
    double decode = seconds() - begin;
    if (st != MOTE_OK) {
        printf("refused: %s (%s); %zu blocks had been decoded\n", mote_status_text(st), mote_status_name(st), blocks);
        return 1;
    }
    for (int i = 0; i < MOTE_FASHION_LAYERS; i++)
        if (!weights[i] || !biases[i]) {
            printf("refused: the package lacks a tensor of %s\n", mote_fashion_layers[i].weight);
            return 1;
        }
    double share;
    if (accuracy(argv[3], &share) != 0) {
        fprintf(stderr, "fashion_demo: cannot read %s\n", argv[3]);
        return 3;
    }
    printf("%-26s %8zu %9.4f %12zu %10.2f\n", argv[4], size, share, needed, 1e3 * decode);
    return 0;
}
