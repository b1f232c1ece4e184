/* SPDX-License-Identifier: Apache-2.0
 * The whole job on a device: a signed package in flash (a file of the host, read in small pieces), verified once; then for
 * each image layer after layer found by name, verified chunk by chunk, decoded and used row by row. No weight is kept. All
 * memory of this image is 48 KiB: the linker would refuse more. */
#include <string.h>

#include "ed25519.h"
#include "fashion_net.h"
#include "mote/loader.h"
#include "port.h"

/* Bytes of the loader's workspace and of a block of weights: what the packages of the test need at most, rounded up. */
enum { STACK = 4608, WORK = 9984, BLOCK = 8704, FLASH_PIECE = 256, IMAGE = MOTE_FASHION_SIDE * MOTE_FASHION_SIDE };

static uint64_t work[WORK / 8];
static uint64_t block[BLOCK / 8];
static float activations[MOTE_FASHION_WORK];
static float row[MOTE_FASHION_MAX_ROW], bias[MOTE_FASHION_MAX_ROWS];
static uint8_t key[MOTE_PUBLIC_KEY_BYTES];
static int package, images;
static uint32_t package_bytes;
static mote_loader *ld;

static int read_flash(void *ctx, uint64_t at, uint8_t *to, size_t n)
{
    (void)ctx;
    if (at > package_bytes || n > package_bytes - at) return -1;
    for (size_t m; n > 0; n -= m, at += m, to += m) {
        m = n < FLASH_PIECE ? n : FLASH_PIECE;
        if (port_read(package, (uint32_t)at, to, m) != 0) return -1;
    }
    return 0;
}

static const mote_source source = { read_flash, NULL };

static void good(mote_status st)
{
    if (st == MOTE_OK) return;
    port_say("refused: -", (uint64_t)-st, "\n");
    port_exit(1);
}

static void verify(void)
{
    mote_loader_config config = { .crypto = { .sha256 = mote_sha256_small, .ed25519 = device_ed25519 },
                                  .trust = { .keys = key, .n_keys = 1 },
                                  .policy = { .name = { "fashion", 7 }, .installed_sequence = 1 },
                                  .form = MOTE_FORM_NATIVE };
    mote_out none = { 0 };
    mote_event e;
    good(mote_loader_init(&ld, work, sizeof work, &config));
    const mote_status st = mote_loader_pull(ld, &source, &none, &e);
    if (st == MOTE_ERR_MEMORY) port_say("workspace needed: ", mote_loader_needed(ld), "\n");
    good(st);
}

/* One row of a block as floats: what is coded as integers is multiplied by the row's scale. */
static const float *row_of(const mote_native *v, size_t r)
{
    if (v->numeric != MOTE_NUM_AFFINE) return (const float *)v->values + r * v->cols;
    const int8_t *code = (const int8_t *)v->values + r * v->cols;
    const float scale = v->scales[v->scales_per_row ? r * v->scales_per_row : 0];
    for (size_t i = 0; i < v->cols; i++) row[i] = (float)code[i] * scale;
    return row;
}

/* The rows of a layer as they come; a tensor that was coded with other rows, or transposed, comes whole. */
static void layer(const mote_fashion_layer *l)
{
    mote_entry entry;
    mote_event e;
    const mote_text weight = { l->weight, strlen(l->weight) }, biases = { l->bias, strlen(l->bias) };
    mote_out out = { (uint8_t *)block, sizeof block };
    good(mote_loader_find(ld, &source, MOTE_KIND_TENSOR, biases, &entry));
    port_must(entry.elements == l->out);
    do {
        good(mote_loader_pull(ld, &source, &out, &e));
        if (e.type == MOTE_EVENT_TENSOR) {
            good(mote_loader_form(ld, MOTE_FORM_F32));
            good(mote_loader_target(ld, (uint8_t *)bias, sizeof bias));
        }
    } while (e.type != MOTE_EVENT_TENSOR_END);

    bool whole = false;
    good(mote_loader_find(ld, &source, MOTE_KIND_TENSOR, weight, &entry));
    port_must(entry.elements == l->out * mote_fashion_row(l));
    do {
        out = (mote_out){ (uint8_t *)block, sizeof block };
        good(mote_loader_pull(ld, &source, &out, &e));
        if (e.type == MOTE_EVENT_TENSOR && (whole = e.tensor.axis != 0 || e.tensor.cols != mote_fashion_row(l))) {
            good(mote_loader_form(ld, MOTE_FORM_F32));
            good(mote_loader_target(ld, (uint8_t *)block, sizeof block));
        }
        if (e.type != MOTE_EVENT_BLOCK || whole) continue;
        const mote_native *v = e.block.native;
        port_must(v && v->layout == MOTE_LAYOUT_DENSE && v->cols == mote_fashion_row(l));
        for (size_t r = 0; r < v->rows; r++)
            port_must(mote_fashion_rows(l, activations, row_of(v, r), bias, e.block.row + r, 1));
    } while (e.type != MOTE_EVENT_TENSOR_END);
    if (whole) port_must(mote_fashion_rows(l, activations, (const float *)block, bias, 0, l->out));
}

int port_main(void)
{
    uint8_t count[4];
    uint32_t right = 0, same = 0;
    port_paint();
    package = port_open("net.mote");
    images = port_open("images.bin");
    package_bytes = port_length(package);
    port_must(port_read(images, 0, key, sizeof key) == 0 && port_read(images, sizeof key, count, 4) == 0);
    const uint32_t n = count[0] | (uint32_t)count[1] << 8;
    const uint64_t begin = port_instructions();
    verify();
    const uint64_t verified = port_instructions();
    for (uint32_t i = 0; i < n; i++) {
        /* of an image: its bytes, its label, the class that the host finds */
        const uint32_t at = (uint32_t)sizeof key + 4 + i * (IMAGE + 2);
        uint8_t *const image = (uint8_t *)block, *const label = image + IMAGE;
        uint8_t of[2];
        port_must(port_read(images, at, image, IMAGE + 2) == 0);
        memcpy(of, label, 2);
        mote_fashion_input(activations, image);
        for (size_t k = 0; k < MOTE_FASHION_LAYERS; k++) layer(&mote_fashion_layers[k]);
        const unsigned found = mote_fashion_class(activations);
        right += found == of[0];
        same += found == of[1];
    }
    const uint64_t done = port_instructions();
    port_must(port_ram_untouched());
    port_say("images ", n, ", ");
    port_say("right ", right, ", ");
    port_say("as on the host ", same, "\n");
    port_say("stack ", port_stack_used(), ", ");
    port_say("workspace ", mote_loader_needed(ld), ", ");
    port_say("RAM with the stack ", port_ram_bytes() + port_stack_used(), ", ");
    port_say("flash ", port_flash_bytes(), "\n");
    port_say("instructions: to trust the manifest ", verified - begin, ", ");
    port_say("an image ", (done - verified) / n, "\n");
    port_must(same == n && port_stack_used() <= STACK);
    return 0;
}
