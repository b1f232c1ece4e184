/* SPDX-License-Identifier: Apache-2.0
 * Cortex-M: vectors, start, faults, and SysTick as a counter of instructions: under `-icount shift=0` an instruction
 * takes 1 ns of the machine's time. Stacks lie at the bottom of RAM, so that one that overflows faults. */
#include "port.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))
#define SYST_CSR REGISTER(0xE000E010u)
#define SYST_RVR REGISTER(0xE000E014u)
#define SYST_CVR REGISTER(0xE000E018u)
#define CPACR REGISTER(0xE000ED88u)
enum { PERIOD = 1 << 20 }; /* 42 million instructions at 25 MHz: what port_watch() can tell apart */

extern uint32_t port_data_load[], port_data_start[], port_data_end[], port_bss_start[], port_bss_end[];
extern uint32_t port_stack_top[];

static volatile uint32_t periods, allowed = UINT32_MAX;

uintptr_t port_semihost(uintptr_t op, const void *block)
{
    register uintptr_t r0 __asm("r0") = op;
    register const void *r1 __asm("r1") = block;
    __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory", "cc");
    return r0;
}

/* The stack pointer may be what faulted: it is set anew first. */
__attribute__((naked)) static void fault(void)
{
    __asm volatile("ldr r0, =port_stack_top\n mov sp, r0\n movs r0, #100\n ldr r1, =port_exit\n bx r1");
}

static void tick(void)
{
    if (++periods > allowed) port_exit(PORT_EXIT_LATE);
}

uint64_t port_instructions(void)
{
    uint32_t n, left;
    do {
        n = periods;
        left = SYST_CVR;
    } while (n != periods);
    return ((uint64_t)n * PERIOD + (PERIOD - 1 - left)) * (1000 / PORT_MHZ);
}

void port_watch(uint32_t millions)
{
    const uint64_t ticks = (uint64_t)millions * 1000000 / (1000 / PORT_MHZ);
    allowed = periods + 1 + (uint32_t)(ticks / PERIOD);
}

void port_reset(void);
void port_reset(void)
{
#ifdef __ARM_FP
    CPACR |= 0xFu << 20;
    __asm volatile("dsb\n isb");
#endif
    for (uint32_t *from = port_data_load, *to = port_data_start; to < port_data_end;) *to++ = *from++;
    for (uint32_t *p = port_bss_start; p < port_bss_end;) *p++ = 0;
    SYST_RVR = PERIOD - 1;
    SYST_CVR = 0;
    SYST_CSR = 7;
    port_exit(port_main());
}

__attribute__((section(".vectors"), used)) static const struct {
    void *stack;
    void (*handler[15])(void);
} vectors = { port_stack_top,
              { port_reset, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault,
                tick } };
