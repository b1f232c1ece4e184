/* SPDX-License-Identifier: Apache-2.0
 * Writes what the device's classification starts from and is compared with: the public key, the first images with their
 * labels, and the classes that the host finds with the unpacked network, all of it in memory at once.
 *
 *   fashion_expect images.safetensors UNPACKED.safetensors KEY.pub COUNT OUT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fashion_net.h"
#include "mote/model.h"
#include "mote/sign.h"

enum { IMAGE = MOTE_FASHION_SIDE * MOTE_FASHION_SIDE };

static void give_up(const char *what)
{
    fprintf(stderr, "fashion_expect: %s\n", what);
    exit(1);
}

/* A tensor of a model file, which stays open until the end. */
static const void *tensor(const char *path, const char *name, size_t elements)
{
    static struct {
        const char *path;
        mote_model *m;
    } open[2];
    mote_model_error error;
    size_t i = 0, n;
    while (open[i].path && strcmp(open[i].path, path) != 0) i++;
    if (!open[i].path) {
        FILE *f = fopen(path, "rb");
        static uint8_t bytes[2][4 << 20];
        if (!f) give_up(path);
        n = fread(bytes[i], 1, sizeof bytes[i], f);
        fclose(f);
        open[i].path = path;
        if (mote_model_open(&open[i].m, bytes[i], n, &error) != MOTE_OK) give_up(error.text);
    }
    const mote_model_tensor *t = mote_model_tensors(open[i].m, &n);
    for (size_t k = 0; k < n; k++) {
        const uint8_t *data;
        if (strcmp(t[k].name, name) != 0) continue;
        if (elements && t[k].elements != elements) give_up(name);
        if (mote_model_data(open[i].m, k, &data, &error) != MOTE_OK) give_up(error.text);
        return data;
    }
    give_up(name);
    return NULL;
}

int main(int argc, char **argv)
{
    static float work[MOTE_FASHION_WORK];
    float *weights[MOTE_FASHION_LAYERS], *biases[MOTE_FASHION_LAYERS];
    uint8_t key[MOTE_PUBLIC_KEY_BYTES];
    if (argc != 6) give_up("usage: fashion_expect images.safetensors UNPACKED.safetensors KEY.pub COUNT OUT");
    if (mote_keyfile_read_public(argv[3], key) != MOTE_OK) give_up(argv[3]);
    for (size_t i = 0; i < MOTE_FASHION_LAYERS; i++) {
        const mote_fashion_layer *l = &mote_fashion_layers[i];
        const size_t n = l->out * mote_fashion_row(l);
        weights[i] = malloc(n * sizeof(float));
        biases[i] = malloc(l->out * sizeof(float));
        if (!weights[i] || !biases[i]) give_up("no memory");
        memcpy(weights[i], tensor(argv[2], l->weight, n), n * sizeof(float));
        memcpy(biases[i], tensor(argv[2], l->bias, l->out), l->out * sizeof(float));
    }
    const uint8_t *images = tensor(argv[1], "images", 0), *labels = tensor(argv[1], "labels", 0);
    const unsigned count = (unsigned)atoi(argv[4]);
    unsigned right = 0;
    FILE *f = fopen(argv[5], "wb");
    if (!f) give_up(argv[5]);
    fwrite(key, 1, sizeof key, f);
    const uint8_t le[4] = { (uint8_t)count, (uint8_t)(count >> 8), 0, 0 };
    fwrite(le, 1, 4, f);
    for (unsigned i = 0; i < count; i++) {
        const unsigned found = mote_fashion_classify(work, (const float *const *)weights, (const float *const *)biases,
                                                     images + (size_t)i * IMAGE);
        const uint8_t of[2] = { labels[i], (uint8_t)found };
        fwrite(images + (size_t)i * IMAGE, 1, IMAGE, f);
        fwrite(of, 1, 2, f);
        right += found == labels[i];
    }
    if (fclose(f) != 0) give_up(argv[5]);
    printf("images %u, right %u\n", count, right);
    return 0;
}
