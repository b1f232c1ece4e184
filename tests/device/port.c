/* SPDX-License-Identifier: Apache-2.0
 * The part of port.h that is the same on all machines. */
#include "port.h"

#include <string.h>

enum { SYS_OPEN = 1, SYS_WRITE0 = 4, SYS_READ = 6, SYS_SEEK = 10, SYS_FLEN = 12, SYS_EXIT_EXTENDED = 0x20 };
enum { STOPPED_APPLICATION_EXIT = 0x20026 };

#define PAINT 0xA5C3E187u

/* of the linker script */
extern uint32_t port_stack_limit[], port_stack_top[], port_data_start[], port_bss_end[], port_ram_end[];
extern uint32_t port_text_start[], port_text_end[];

void port_exit(int status)
{
    const uintptr_t block[2] = { STOPPED_APPLICATION_EXIT, (uintptr_t)status };
    port_semihost(SYS_EXIT_EXTENDED, block);
    for (;;) continue;
}

void port_text(const char *text)
{
    port_semihost(SYS_WRITE0, text);
}

void port_say(const char *before, uint64_t number, const char *after)
{
    char digits[21], *p = digits + sizeof digits;
    *--p = '\0';
    do *--p = (char)('0' + number % 10);
    while (number /= 10);
    port_text(before);
    port_text(p);
    port_text(after);
}

void port_failed(const char *file, int line, const char *what)
{
    port_text(file);
    port_say(":", (uint64_t)line, ": ");
    port_text(what);
    port_text("\n");
    port_exit(1);
}

int port_open(const char *path)
{
    const uintptr_t block[3] = { (uintptr_t)path, 1 /* rb */, strlen(path) };
    const int file = (int)port_semihost(SYS_OPEN, block);
    port_must(file >= 0);
    return file;
}

uint32_t port_length(int file)
{
    const uintptr_t block[1] = { (uintptr_t)file };
    return (uint32_t)port_semihost(SYS_FLEN, block);
}

int port_read(int file, uint32_t at, void *to, size_t n)
{
    const uintptr_t seek[2] = { (uintptr_t)file, at }, block[3] = { (uintptr_t)file, (uintptr_t)to, n };
    if (n == 0) return 0;
    return port_semihost(SYS_SEEK, seek) == 0 && port_semihost(SYS_READ, block) == 0 ? 0 : -1;
}

size_t port_paint_stack(void)
{
    uint32_t *const here = (uint32_t *)__builtin_frame_address(0) - 16;
    for (uint32_t *p = port_stack_limit; p < here; p++) *p = PAINT;
    return (size_t)(port_stack_top - here) * sizeof *here;
}

void port_paint(void)
{
    port_paint_stack();
    for (uint32_t *p = port_bss_end; p < port_ram_end; p++) *p = PAINT;
}

size_t port_stack_used(void)
{
    const uint32_t *p = port_stack_limit;
    while (p < port_stack_top && *p == PAINT) p++;
    return (size_t)(port_stack_top - p) * sizeof *p;
}

bool port_ram_untouched(void)
{
    for (const uint32_t *p = port_bss_end; p < port_ram_end; p++)
        if (*p != PAINT) return false;
    return *port_stack_limit == PAINT;
}

uint32_t port_code_sum(void)
{
    uint32_t sum = 2166136261u;
    for (const uint32_t *p = port_text_start; p < port_text_end; p++) sum = (sum ^ *p) * 16777619u;
    return sum;
}

size_t port_ram_bytes(void)
{
    return (size_t)((const char *)port_bss_end - (const char *)port_data_start);
}

size_t port_flash_bytes(void)
{
    return (size_t)((const char *)port_text_end - (const char *)port_text_start);
}
