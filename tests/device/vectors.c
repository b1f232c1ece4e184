/* SPDX-License-Identifier: Apache-2.0
 * The test image: every case of cases.bin through the loader of this build, in pieces of several sizes, pulled and found
 * by name, with workspaces around the stated size, cut, and with bits changed. What it must say and write was written
 * down by a host. What lies around workspace and output is looked at after each run, all other memory at the end. */
#include <string.h>

#include "case.h"
#include "drive.h"
#include "ed25519.h"
#include "inflate.h"
#include "port.h"

/* Bytes for workspace and output together; what the board has left. BOARD_ARENA, BOARD_MISFITS come from its file. */
enum { GUARD = 32, GUARD_BYTE = 0xC7, FRESH_BYTE = 0xA5, AROUND = 20 };

static struct {
    uint8_t before[GUARD];
    uint8_t bytes[BOARD_ARENA];
    uint8_t after[GUARD];
} arena __attribute__((aligned(8)));

static device_case c;
static uint32_t c_sum; /* it must stay as it was read */
static drive d;        /* not on the stack, which is measured */
static int cases;
static uint32_t at_package;
static uint32_t flip_at, flip_bit; /* bit of the package that is read changed; UINT32_MAX: none */
static struct {
    uint32_t cases, accepted, refused, by_needs, no_memory, no_room, loads, tampered, sizes, resumed;
    uint64_t most; /* instructions of a load */
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

static bool guarded(const uint8_t *p, const uint8_t *end)
{
    for (; p < end && (uintptr_t)p % 4; p++)
        if (*p != GUARD_BYTE) return false;
    for (; end - p >= 4; p += 4)
        if (*(const uint32_t *)(const void *)p != GUARD_BYTE * 0x01010101u) return false;
    for (; p < end; p++)
        if (*p != GUARD_BYTE) return false;
    return true;
}

/* All of a case but its length, which tamper() changes. */
static uint32_t sum_of_case(void)
{
    return drive_hash(DRIVE_HASH_START, &c, offsetof(device_case, bytes));
}

/* Nothing but workspace and output has been written to, and of the output no more than `used`. */
static void look(size_t used)
{
    const uint8_t *end = arena.bytes + BOARD_ARENA;
    if (!guarded(arena.before, arena.bytes) || !guarded(arena.after, arena.after + GUARD)) fail("wrote outside of all");
    if (!guarded(d.work + d.work_bytes, d.out)) fail("wrote behind its workspace");
    if (!guarded(d.out + used, end)) fail("wrote behind its output");
    if (sum_of_case() != c_sum) fail("wrote to what it was told");
}

/* A run with exactly this much workspace; the rest of the arena is output. */
static mote_status load(size_t work_bytes)
{
    if (work_bytes > BOARD_ARENA) fail("the test's own memory is too small");
    size_t out_at = (work_bytes + GUARD + 7) & ~(size_t)7;
    if (out_at > BOARD_ARENA) out_at = BOARD_ARENA;
    memset(&arena, GUARD_BYTE, sizeof arena);
    d.work = arena.bytes;
    d.work_bytes = work_bytes;
    d.out = arena.bytes + out_at;
    d.out_bytes = BOARD_ARENA - out_at;
    memset(d.work, FRESH_BYTE, work_bytes);
    port_watch(BOARD_MILLIONS);
    const uint64_t begin = port_instructions();
    mote_status st = drive_run(&d);
    const uint64_t took = port_instructions() - begin;
    if (took > count.most) count.most = took;
    count.loads++;
    look(d.used);
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
#if BOARD_ZSTD
    k->inflate = device_inflate;
#endif
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

static const uint16_t pieces[] = { 1, 7, 64, 1000, 0 };
enum { PIECES = sizeof pieces / sizeof *pieces };

/* What does not fit is refused, however it arrives, before any payload is taken. */
static void too_large(size_t work_bytes, size_t tensor_max)
{
    for (unsigned i = 0; i < PIECES; i++) {
        fresh();
        d.piece = pieces[i];
        if (tensor_max) d.config.policy.tensor_max = tensor_max;
        expect("status of what is too large", load(work_bytes), MOTE_ERR_MEMORY);
        if (d.payload || d.complete) fail("payload was taken before MEMORY");
    }
}

/* Whether the output is too small for a block: a device that says so beforehand is not offered it. */
static bool no_room(mote_status st)
{
    const size_t work_bytes = d.work_bytes, out_bytes = d.out_bytes;
    if (st != MOTE_NEED_OUTPUT || d.need <= out_bytes) return false;
    too_large(work_bytes, out_bytes ? out_bytes : 1);
    count.no_room++;
    return true;
}

static void every_piece(size_t needed)
{
    for (unsigned i = 0; i < PIECES; i++) {
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
        if (no_room(st)) continue;
        expect("status in another form", st, c.way_status[way]);
        if (st == MOTE_OK) expect("hash in another form", d.hash, c.way_hash[way]);
    }
    fresh();
    d.piece = 0;
    expect("pulled", load(needed), MOTE_OK);
    port_watch(BOARD_MILLIONS * DRIVE_TENSORS);
    if (!drive_find_all(&d)) fail("found by name it is another");
    look(d.out_bytes);
    if (d.tensors > 3 && d.tensors <= DRIVE_TENSORS) {
        count.resumed++;
        if (!drive_resume(&d, d.events / 2)) fail("after a reset it is another");
        look(d.out_bytes);
    }
}

/* Below the stated size the answer is the same one, before any payload; from it on everything is as before. */
static void every_size(size_t needed)
{
    const size_t open = mote_loader_open_bytes(1, 0);
    for (size_t n = needed - AROUND; n < needed + AROUND / 2 && n <= BOARD_ARENA; n++) {
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
        too_large(BOARD_ARENA, 0);
        count.no_memory++;
        return;
    }
    if (!needed) needed = mote_loader_open_bytes(MOTE_MANIFEST_MAX, 2048);
    if (needed > BOARD_ARENA) needed = BOARD_ARENA;
    fresh();
    if (no_room(load(needed))) return;
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
    const uint32_t code = port_code_sum();
    flip_at = UINT32_MAX;
    cases = port_open("cases.bin");
    const uint32_t end = port_length(cases);
    for (uint32_t at = 0; at < end; at = at_package + c.bytes) {
        port_must(port_read(cases, at, &c, sizeof c) == 0 && c.magic == CASE_MAGIC);
        at_package = at + (uint32_t)sizeof c;
        c_sum = sum_of_case();
        count.cases++;
        run_case();
    }
    if (!port_ram_untouched()) fail("wrote outside of everything");
    if (port_code_sum() != code) fail("wrote to code");
    port_say("cases ", count.cases, ": ");
    port_say("accepted ", count.accepted, ", ");
    port_say("refused ", count.refused, ", ");
    port_say("of these by needs ", count.by_needs, ", ");
    port_say("too large for the board ", count.no_memory, ", ");
    port_say("for the output in a form ", count.no_room, "\n");
    port_say("loads ", count.loads, ", ");
    port_say("workspace sizes ", count.sizes, ", ");
    port_say("changed or cut ", count.tampered, ", ");
    port_say("resumed ", count.resumed, ", ");
    port_say("signatures ", device_ed25519_count(), "\n");
    port_say("stack ", port_stack_used(), ", ");
    port_say("flash ", port_flash_bytes(), ", ");
    port_say("instructions/1000 ", port_instructions() / 1000, ", ");
    port_say("most of a load ", count.most / 1000, "\n");
    const uint32_t misfits = count.no_memory + count.no_room;
    expect("too large for the board", misfits > BOARD_MISFITS ? misfits : BOARD_MISFITS, BOARD_MISFITS);
    port_must(count.accepted >= BOARD_ACCEPTED && count.refused > 400 && count.resumed > 10);
    return 0;
}
