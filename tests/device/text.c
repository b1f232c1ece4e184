/* SPDX-License-Identifier: Apache-2.0
 * A text of some length out of a package of profile std: the loader finds it, verifies it and has it inflated. Compared
 * with the text itself; counts what inflating takes. */
#include <string.h>

#include "inflate.h"
#include "mote/loader.h"
#include "port.h"

enum { WORK = 40 * 1024, OUT = 64 * 1024, PIECE = 256 };

static uint64_t work[WORK / 8], block[OUT / 8];
static int package, text;
static uint64_t instructions, bytes;
static size_t stack;

static int read_flash(void *ctx, uint64_t at, uint8_t *to, size_t n)
{
    (void)ctx;
    return port_read(package, (uint32_t)at, to, n);
}

static mote_status counted(void *ctx, uint8_t *dst, size_t dst_bytes, const uint8_t *src, size_t src_bytes)
{
    const size_t here = port_paint_stack();
    const uint64_t begin = port_instructions();
    const mote_status st = device_inflate(ctx, dst, dst_bytes, src, src_bytes);
    instructions += port_instructions() - begin;
    bytes += dst_bytes;
    if (port_stack_used() - here > stack) stack = port_stack_used() - here;
    return st;
}

static void compare(size_t at, const uint8_t *p, size_t n)
{
    uint8_t piece[PIECE];
    for (size_t m; n > 0; n -= m, at += m, p += m) {
        m = n < PIECE ? n : PIECE;
        port_must(port_read(text, (uint32_t)at, piece, m) == 0 && memcmp(piece, p, m) == 0);
    }
}

/* One line of numbers for zstd.sh. */
int port_main(void)
{
    static const mote_source source = { read_flash, NULL };
    const mote_loader_config config = { .crypto = { .sha256 = mote_sha256_small }, .inflate = counted };
    mote_loader *ld;
    mote_entry entry;
    mote_event e;
    size_t at = 0;
    port_paint();
    text = port_open("text");
    package = port_open("text.mote");
    mote_out out = { 0 };
    port_must(mote_loader_init(&ld, work, sizeof work, &config) == MOTE_OK);
    port_must(mote_loader_pull(ld, &source, &out, &e) == MOTE_OK && e.type == MOTE_EVENT_MANIFEST);
    port_must(mote_loader_find(ld, &source, MOTE_KIND_BLOB, (mote_text){ "text", 4 }, &entry) == MOTE_OK);
    do {
        out = (mote_out){ (uint8_t *)block, sizeof block };
        port_must(mote_loader_pull(ld, &source, &out, &e) == MOTE_OK);
        if (e.type != MOTE_EVENT_BLOCK) continue;
        compare(at, e.block.data, e.block.bytes);
        at += e.block.bytes;
    } while (e.type != MOTE_EVENT_TENSOR_END);
    port_must(at == entry.elements && at == port_length(text) && bytes == at && port_ram_untouched());
    port_say("zstd ", 10 * instructions / bytes, " ");
    port_say("", stack, " ");
    port_say("", device_inflate_ram(), "\n");
    return 0;
}
