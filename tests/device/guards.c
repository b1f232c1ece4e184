/* SPDX-License-Identifier: Apache-2.0
 * Whether the tests would notice: this image does what no image may, as the file "mode" asks, and what watches over
 * images has to end it. Modes and the exit status that each must have are in guards.sh. */
#include "port.h"

/* of the linker script */
extern uint32_t port_text_start[], port_bss_end[], port_ram_end[];

static uint32_t deeper(uint32_t n)
{
    volatile uint32_t frame[64];
    frame[n % 64] = n;
    return n ? deeper(n - 1) + frame[n % 64] : 0;
}

/* Whether a word could be changed: there is memory, and no fault. */
static bool change(uintptr_t at)
{
    volatile uint32_t *p = (volatile uint32_t *)at;
    const uint32_t old = *p;
    *p = ~old;
    return *p != old;
}

int port_main(void)
{
    uint8_t mode;
    port_paint();
    const uint32_t code = port_code_sum();
    port_must(port_read(port_open("mode"), 0, &mode, 1) == 0);
    port_watch(20);
    const uint64_t begin = port_instructions();
    bool there = true;
    switch (mode) {
    case 'r': break; /* right */
    case 'h':
        for (;;) continue; /* hangs */
    case 'f': __builtin_trap();
    case 's': return deeper(20000) == 1; /* leaves the stack */
    case 'b': there = change((uintptr_t)port_bss_end); break;
    case 'e': there = change((uintptr_t)port_ram_end - 4); break;
    case 'c': there = change((uintptr_t)port_text_start + 256); break;
    default: port_must(false);
    }
    if (!there) return 2; /* memory that cannot be written needs no watching */
    port_must(port_ram_untouched() && port_code_sum() == code);
    port_must(port_instructions() > begin && port_instructions() - begin < 20000000);
    return 0;
}
