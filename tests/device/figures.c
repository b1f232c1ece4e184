/* SPDX-License-Identifier: Apache-2.0
 * What a package costs a device: pulls one twice, in its native form and densely, and counts instructions, those of
 * hashing and of the signature apart. Tensors of less than 1,024 elements are skipped: they measure the loader's calls. */
#include <string.h>

#include "ed25519.h"
#include "mote/loader.h"
#include "port.h"

enum { WORK = 40 * 1024, OUT = 40 * 1024, SMALL = 1024 };

static uint64_t work[WORK / 8], out_area[OUT / 8];
static uint8_t key[MOTE_PUBLIC_KEY_BYTES];
static int package;
static uint64_t hashing, checking, hashed;

static int read_flash(void *ctx, uint64_t at, uint8_t *to, size_t n)
{
    (void)ctx;
    return port_read(package, (uint32_t)at, to, n);
}

static void counted_sha256(void *ctx, uint8_t digest[MOTE_DIGEST_BYTES], const uint8_t *const part[],
                           const size_t bytes[], size_t n)
{
    const uint64_t begin = port_instructions();
    mote_sha256_small(ctx, digest, part, bytes, n);
    hashing += port_instructions() - begin;
    for (size_t i = 0; i < n; i++) hashed += bytes[i];
}

static mote_status counted_ed25519(void *ctx, const uint8_t sig[MOTE_SIGNATURE_BYTES], const uint8_t *msg,
                                   size_t msg_bytes, const uint8_t k[MOTE_PUBLIC_KEY_BYTES])
{
    const uint64_t begin = port_instructions();
    const mote_status st = device_ed25519(ctx, sig, msg, msg_bytes, k);
    checking += port_instructions() - begin;
    return st;
}

/* What decoding takes in tenths of an instruction an element: alone, with hashing. */
typedef struct cost {
    uint64_t alone, all;
    size_t workspace;
} cost;

static cost run(mote_form form)
{
    /* not on the stack, which is measured */
    static mote_loader_config config = { .crypto = { .sha256 = counted_sha256, .ed25519 = counted_ed25519 },
                                         .trust = { .keys = key, .n_keys = 1 },
                                         .native_lowrank = 1 };
    static const mote_source source = { read_flash, NULL };
    static mote_loader *ld;
    static mote_event e;
    config.form = form;
    uint64_t weights = 0;
    port_must(mote_loader_init(&ld, work, sizeof work, &config) == MOTE_OK);
    uint64_t begin = port_instructions();
    do {
        mote_out out = { (uint8_t *)out_area, sizeof out_area };
        port_must(mote_loader_pull(ld, &source, &out, &e) == MOTE_OK);
        if (e.type == MOTE_EVENT_MANIFEST) {
            begin = port_instructions();
            hashing = hashed = 0;
        }
        if (e.type != MOTE_EVENT_TENSOR) continue;
        if (e.tensor.elements < SMALL)
            port_must(mote_loader_skip(ld) == MOTE_OK);
        else
            weights += e.tensor.elements;
    } while (e.type != MOTE_EVENT_DONE);
    const uint64_t all = port_instructions() - begin;
    port_must(weights > 0);
    return (cost){ 10 * (all - hashing) / weights, 10 * all / weights, mote_loader_needed(ld) };
}

/* One line of numbers for figures.sh. */
int port_main(void)
{
    port_paint();
    int images = port_open("images.bin");
    port_must(port_read(images, 0, key, sizeof key) == 0);
    package = port_open("net.mote");
    const cost native = run(MOTE_FORM_NATIVE);
    const size_t with_signature = port_stack_used();
    const uint64_t signature = checking;
    port_paint();
    const cost dense = run(MOTE_FORM_DENSE); /* the verdict is remembered: what the loader alone takes */
    const uint64_t number[] = { native.alone, native.all,       dense.alone,
                                dense.all,    native.workspace, 1024 * hashing / hashed,
                                signature,    with_signature,   port_stack_used() };
    for (size_t i = 0; i < sizeof number / sizeof *number; i++) port_say(i ? " " : "figures ", number[i], "");
    port_text("\n");
    return 0;
}
