/* SPDX-License-Identifier: Apache-2.0
 * The test image: every case of cases.bin through the loader of this build, in pieces of several sizes, pulled and found
 * by name, with workspaces around the stated size, cut, and with bits changed. What it must say and write was written
 * down by a host. Memory outside of workspace, output and stack is looked at after each run. */
#include <string.h>

#include "case.h"
#include "drive.h"
#include "ed25519.h"
#include "port.h"

/* Bytes for workspace and output together; what the board has left. BOARD_ARENA, BOARD_MISFITS come from its file. */
enum { GUARD = 32, GUARD_BYTE = 0xC7, FRESH_BYTE = 0xA5, AROUND = 20, LOAD_MILLIONS = 3000 };

static struct {
    uint8_t before[GUARD];
    uint8_t bytes[BOARD_ARENA];
    uint8_t after[GUARD];
} arena __attribute__((aligned(8)));

static device_case c;
static drive d; /* not on the stack, which is measured */
static int cases;
static uint32_t at_package;
static uint32_t flip_at, flip_bit; /* bit of the package that is read changed; UINT32_MAX: none */
static struct {
    uint32_t accepted, refused, by_needs, misfits, loads, tampered, sizes, resumed;
} count;

static int read_package(void *ctx, uint32_t at, uint8_t *to, size_t n)
{
    (void)ctx;
    if (at > c.bytes || n > c.bytes - at) return -1;
    if (port_read(cases, at_package + at, to, n) != 0) return -1;
    if (flip_at >= at && flip_at - at < n) to[flip_at - at] ^= (uint8_t)(1u << flip_bit);
    return 0;
}

static void fail(const char *what)
{
    port_text(c.name);
    port_text(": ");
    port_text(what);
    port_text("\n");
    port_exit(1);
}

static void expect(const char *what, int64_t got, int64_t wanted)
{
    if (got == wanted) return;
    port_text(c.name);
    port_text(": ");
    port_text(what);
    port_say(got < 0 ? " -" : " ", (uint64_t)(got < 0 ? -got : got), ", expected");
    port_say(wanted < 0 ? " -" : " ", (uint64_t)(wanted < 0 ? -wanted : wanted), "\n");
    port_exit(1);
}

/* ---- one run ---- */

/* A run with exactly this much workspace; the rest of the arena is output. */
static mote_status load(size_t work_bytes)
{
    const size_t out_at = (work_bytes + GUARD + 7) & ~(size_t)7;
    memset(&arena, GUARD_BYTE, sizeof arena);
    d.work = arena.bytes;
    d.work_bytes = work_bytes;
    d.out = arena.bytes + out_at;
    d.out_bytes = out_at < BOARD_ARENA ? BOARD_ARENA - out_at : 0;
    memset(d.work, FRESH_BYTE, work_bytes);
    port_watch(LOAD_MILLIONS);
    mote_status st = drive_run(&d);
    count.loads++;
    for (size_t i = 0; i < GUARD; i++)
        if (arena.before[i] != GUARD_BYTE || arena.after[i] != GUARD_BYTE) fail("wrote outside of the arena");
    for (size_t i = work_bytes; i < out_at && i < BOARD_ARENA; i++)
        if (arena.bytes[i] != GUARD_BYTE) fail("wrote behind its workspace");
    return st;
}

/* The next run is one of this case, in pieces of 64 bytes. */
static void fresh(void)
{
    memset(&d, 0, sizeof d);
    d.read = read_package;
    d.bytes = c.bytes;
    d.piece = 64;
    mote_loader_config *k = &d.config;
    k->crypto = (mote_crypto){ .sha256 = mote_sha256_small, .ed25519 = device_ed25519 };
    k->trust = (mote_trust){ .keys = c.key[0], .n_keys = c.n_keys, .threshold = c.threshold };
    k->native_lowrank = BOARD_NANO;
    mote_policy *p = &k->policy;
    p->name = (mote_text){ c.policy_name, c.name_bytes };
    p->vendor = c.has_vendor ? c.vendor : NULL;
    p->device_class = c.has_class ? c.class_id : NULL;
    p->installed_sequence = c.installed_sequence;
    p->installed_digest = c.has_digest ? c.digest : NULL;
    p->tensor_max = c.tensor_max;
    memcpy(p->has.bit, c.has, sizeof c.has);
}

/* ---- cases ---- */

static void every_piece(size_t needed)
{
    static const uint16_t pieces[] = { 1, 7, 64, 1000, 0 };
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        fresh();
        d.piece = pieces[i];
        mote_status st = load(needed);
        if (st == MOTE_ERR_IO && c.status == MOTE_ERR_TRUNCATED && d.piece == 0) continue;
        expect("status", st, c.status);
        if (st == MOTE_ERR_TRAILING) continue; /* known at once, or with the next piece */
        expect("complete", d.complete, c.status == MOTE_OK);
        if (st == MOTE_OK || d.piece) expect("hash", d.hash, c.way_hash[CASE_DENSE]);
        if (st >= MOTE_ERR_MEMORY && st <= MOTE_ERR_NAME && d.payload) fail("payload was taken before policy refused");
    }
}

static void every_way(size_t needed)
{
    static const uint8_t forms[] = { MOTE_FORM_DENSE, MOTE_FORM_F32, MOTE_FORM_F16, MOTE_FORM_NATIVE, MOTE_FORM_DENSE };
    for (unsigned way = CASE_F32; way < CASE_WAYS; way++) {
        fresh();
        d.config.form = (mote_form)forms[way];
        d.target = way == CASE_TARGET;
        mote_status st = load(needed);
        if (st == MOTE_NEED_OUTPUT && d.need > d.out_bytes) {
            count.misfits++;
            continue;
        }
        expect("status in another form", st, c.way_status[way]);
        if (st == MOTE_OK) expect("hash in another form", d.hash, c.way_hash[way]);
    }
    fresh();
    d.piece = 0;
    expect("pulled", load(needed), MOTE_OK);
    if (!drive_find_all(&d)) fail("found by name it is another");
    if (d.tensors > 3 && d.tensors <= DRIVE_TENSORS) {
        count.resumed++;
        if (!drive_resume(&d, d.events / 2)) fail("after a reset it is another");
    }
}

/* Below the stated size the answer is the same one, before any payload; from it on everything is as before. */
static void every_size(size_t needed)
{
    const size_t open = mote_loader_open_bytes(1, 0);
    for (size_t n = needed - AROUND; n < needed + AROUND / 2; n++) {
        fresh();
        mote_status st = load(n);
        count.sizes++;
        expect("status with another workspace", st, n < needed ? MOTE_ERR_MEMORY : MOTE_OK);
        if (n < needed && d.payload) fail("payload was taken before MEMORY");
        if (n < needed && d.needed && d.needed != needed) fail("needs another size");
    }
    for (size_t n = 0; n < needed; n += n < open ? 97 : 31) {
        fresh();
        count.sizes++;
        expect("status with little workspace", load(n), MOTE_ERR_MEMORY);
    }
}

/* Bits changed and bytes missing, more of them near the front; never is it complete. */
static void tamper(size_t needed)
{
    const uint32_t front = 400, step = BOARD_TAMPER;
    uint8_t p[MOTE_PRELUDE_BYTES];
    if (read_package(NULL, 0, p, sizeof p) != 0) fail("cannot be read");
    const uint32_t signatures = (uint32_t)sizeof p + p[10] + 256u * p[11], body = signatures + p[12] + 256u * p[13];
    /* signatures beyond those that are asked for are outside of every promise */
    const bool promised = body - signatures == 76 * (c.threshold ? c.threshold : 1);
    for (uint32_t at = 0; at < c.bytes; at += at < front ? step : step * (1 + c.bytes / 64)) {
        fresh();
        flip_at = at;
        flip_bit = at % 8;
        d.piece = 1000;
        mote_status st = load(needed);
        count.tampered++;
        const bool outside = !promised && at >= signatures && at < body;
        if (!outside && (st >= MOTE_OK || d.complete)) fail("a changed bit was accepted");
        flip_at = UINT32_MAX;
        const uint32_t whole = c.bytes;
        c.bytes = at;
        d.bytes = at;
        st = load(needed);
        c.bytes = whole;
        count.tampered++;
        if (st != MOTE_ERR_TRUNCATED || d.complete) fail("cut, it was accepted");
    }
}

static void run_case(void)
{
    fresh();
    d.only_open = true;
    mote_status st = load(BOARD_ARENA);
    size_t needed = d.needed;
    if (st == MOTE_ERR_MEMORY && needed > BOARD_ARENA) {
        if (d.payload) fail("payload was taken before MEMORY");
        count.misfits++;
        return;
    }
    if (!needed) needed = mote_loader_open_bytes(MOTE_MANIFEST_MAX, 2048);
    if (needed > BOARD_ARENA) needed = BOARD_ARENA;
    fresh();
    st = load(needed);
    if (st == MOTE_NEED_OUTPUT && d.need > d.out_bytes) {
        count.misfits++;
        return;
    }
    every_piece(needed);
    if (c.refused_by_needs) count.by_needs++;
    if (c.status != MOTE_OK) {
        fresh(); /* other loops, another order of checks, the same verdict */
        d.config.form = MOTE_FORM_NATIVE;
        st = load(needed);
        if (st != MOTE_NEED_OUTPUT) expect("status in native form", st, c.status);
        count.refused++;
        return;
    }
    count.accepted++;
    every_way(needed);
    every_size(needed);
    if (c.n_keys) tamper(needed);
}

int port_main(void)
{
    port_paint();
    flip_at = UINT32_MAX;
    cases = port_open("cases.bin");
    const uint32_t end = port_length(cases);
    for (uint32_t at = 0; at < end; at = at_package + c.bytes) {
        port_must(port_read(cases, at, &c, sizeof c) == 0 && c.magic == CASE_MAGIC);
        at_package = at + (uint32_t)sizeof c;
        run_case();
    }
    if (!port_ram_untouched()) fail("wrote outside of everything");
    port_say("accepted ", count.accepted, ", ");
    port_say("refused ", count.refused, ", ");
    port_say("of these by needs ", count.by_needs, ", ");
    port_say("too large for the board ", count.misfits, "\n");
    port_say("loads ", count.loads, ", ");
    port_say("workspace sizes ", count.sizes, ", ");
    port_say("changed or cut ", count.tampered, ", ");
    port_say("resumed ", count.resumed, ", ");
    port_say("signatures ", device_ed25519_count(), "\n");
    port_say("stack ", port_stack_used(), ", ");
    port_say("flash ", port_flash_bytes(), ", ");
    port_say("instructions/1000 ", port_instructions() / 1000, "\n");
    expect("too large for the board", count.misfits > BOARD_MISFITS ? count.misfits : BOARD_MISFITS, BOARD_MISFITS);
    port_must(count.accepted >= BOARD_ACCEPTED && count.refused > 200 && count.resumed > 10);
    return 0;
}
