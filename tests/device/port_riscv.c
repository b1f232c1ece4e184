/* SPDX-License-Identifier: Apache-2.0
 * RISC-V, 32 bits, QEMU's "virt" board: start, faults, the counter of retired instructions, and the timer as a watch. */
#include "port.h"

extern uint32_t port_data_load[], port_data_start[], port_data_end[], port_bss_start[], port_bss_end[];

/* Memory protection that holds in machine mode, too: code and constants, in 2 MiB below RAM, cannot be written, so that
 * a stack that overflows faults. */
#define PMP_ADDRESS (0x80000000u >> 2 | ((1u << 21 >> 3) - 1))
enum { PMP_READ = 1, PMP_EXECUTE = 4, PMP_NAPOT = 3 << 3, PMP_LOCKED = 1 << 7 };

#define MTIMECMP ((volatile uint32_t *)0x02004000u)
#define MTIME ((volatile uint32_t *)0x0200BFF8u)
enum { INSTRUCTIONS_PER_TICK = 100, CAUSE_TIMER = 7 };

uintptr_t port_semihost(uintptr_t op, const void *block)
{
    register uintptr_t a0 __asm("a0") = op;
    register const void *a1 __asm("a1") = block;
    __asm volatile(".option push\n .option norvc\n .balign 16\n"
                   "slli x0, x0, 0x1f\n ebreak\n srai x0, x0, 7\n .option pop"
                   : "+r"(a0)
                   : "r"(a1)
                   : "memory");
    return a0;
}

uint64_t port_instructions(void)
{
    uint32_t high, low, again;
    do {
        __asm volatile("csrr %0, minstreth\n csrr %1, minstret\n csrr %2, minstreth"
                       : "=r"(high), "=r"(low), "=r"(again));
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

void port_watch(uint32_t millions)
{
    const uint64_t now = (uint64_t)MTIME[1] << 32 | MTIME[0];
    const uint64_t end = now + (uint64_t)millions * 1000000 / INSTRUCTIONS_PER_TICK;
    MTIMECMP[1] = UINT32_MAX;
    MTIMECMP[0] = (uint32_t)end;
    MTIMECMP[1] = (uint32_t)(end >> 32);
}

__attribute__((used)) static void trapped(void)
{
    uint32_t cause;
    __asm volatile("csrr %0, mcause" : "=r"(cause));
    port_exit(cause == (0x80000000u | CAUSE_TIMER) ? PORT_EXIT_LATE : PORT_EXIT_FAULT);
}

__attribute__((naked, aligned(4))) static void trap(void)
{
    __asm volatile("la sp, port_stack_top\n j trapped");
}

__attribute__((used)) static void start(void)
{
    for (uint32_t *from = port_data_load, *to = port_data_start; to < port_data_end;) *to++ = *from++;
    for (uint32_t *p = port_bss_start; p < port_bss_end;) *p++ = 0;
    __asm volatile("csrw pmpaddr0, %0\n csrw pmpcfg0, %1"
                   :
                   : "r"(PMP_ADDRESS), "r"(PMP_READ | PMP_EXECUTE | PMP_NAPOT | PMP_LOCKED));
    port_watch(1000000);
    __asm volatile("csrw mtvec, %0\n csrs mie, %1\n csrsi mstatus, 8" : : "r"(trap), "r"(1u << CAUSE_TIMER));
    port_exit(port_main());
}

void port_reset(void);
__attribute__((naked, section(".vectors"), used)) void port_reset(void)
{
    __asm volatile(".option push\n .option norelax\n la gp, __global_pointer$\n .option pop\n"
                   "la sp, port_stack_top\n j start");
}
