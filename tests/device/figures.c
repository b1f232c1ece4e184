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

static void run(const char *name, mote_form form, bool last)
{
    mote_loader_config config = { .crypto = { .sha256 = counted_sha256, .ed25519 = counted_ed25519 },
                                  .trust = { .keys = key, .n_keys = 1 },
                                  .native_lowrank = 1,
                                  .form = form };
    const mote_source source = { read_flash, NULL };
    mote_loader *ld;
    mote_event e;
    uint64_t weights = 0, to_trust = 0;
    hashing = checking = hashed = 0;
    const uint64_t begin = port_instructions();
    port_must(mote_loader_init(&ld, work, sizeof work, &config) == MOTE_OK);
    do {
        mote_out out = { (uint8_t *)out_area, sizeof out_area };
        port_must(mote_loader_pull(ld, &source, &out, &e) == MOTE_OK);
        if (e.type == MOTE_EVENT_MANIFEST) to_trust = port_instructions() - begin;
        if (e.type != MOTE_EVENT_TENSOR) continue;
        if (e.tensor.elements < SMALL)
            port_must(mote_loader_skip(ld) == MOTE_OK);
        else
            weights += e.tensor.elements;
    } while (e.type != MOTE_EVENT_DONE);
    const uint64_t all = port_instructions() - begin - to_trust, alone = all - hashing;
    port_say(name, weights ? alone * 10 / weights : 0, " ");
    port_say("", weights ? all * 10 / weights : 0, last ? "" : " ");
    if (!last) return;
    port_say(" tenths an element; workspace ", mote_loader_needed(ld), "");
    port_say(" hashing a KiB ", hashed ? hashing * 1024 / hashed : 0, "");
    port_say(" signature ", checking, "");
}

int port_main(void)
{
    port_paint();
    int images = port_open("images.bin");
    port_must(port_read(images, 0, key, sizeof key) == 0);
    package = port_open("net.mote");
    run("native ", MOTE_FORM_NATIVE, false);
    const size_t with_signature = port_stack_used();
    port_paint();
    run("dense ", MOTE_FORM_DENSE, true); /* the verdict is remembered: what the loader alone takes */
    port_say(" stack ", with_signature, "");
    port_say(" ", port_stack_used(), " without the signature\n");
    return 0;
}
