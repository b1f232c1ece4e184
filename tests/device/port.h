/* SPDX-License-Identifier: Apache-2.0
 * What a test image needs of the machine it runs on: files of the host through semihosting, text, an end, a count of
 * instructions, and a look at memory. One implementation for Cortex-M, one for RISC-V. */
#ifndef MOTE_TEST_PORT_H
#define MOTE_TEST_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Exit statuses of images beside 0 and 1. */
#define PORT_EXIT_FAULT 100 /**< a fault of the processor, also a stack that has left RAM */
#define PORT_EXIT_LATE 101  /**< more instructions than port_watch() allowed */

/** The program; what it returns is the exit status. */
int port_main(void);

/** Let the host's operation `op` work on `block`. */
uintptr_t port_semihost(uintptr_t op, const void *block);
/** Instructions since the start, in steps of about a hundred. */
uint64_t port_instructions(void);
/** From now on no more than about this many instructions, in millions, until the next call. */
void port_watch(uint32_t millions);

/** Opens a file of the host for reading; fails the image if it is not there. */
int port_open(const char *path);
uint32_t port_length(int file);
/** 0, or -1 if not all n bytes are there. */
int port_read(int file, uint32_t at, void *to, size_t n);

void port_text(const char *text);
/** Text, number, text. */
void port_say(const char *before, uint64_t number, const char *after);
_Noreturn void port_exit(int status);
/** Ends the image with status 1 if the condition does not hold, and says which and where. */
#define port_must(condition) ((condition) ? (void)0 : port_failed(__FILE__, __LINE__, #condition))
_Noreturn void port_failed(const char *file, int line, const char *what);

/** Fill the unused part of the stack and all RAM that the image does not use with a pattern. */
void port_paint(void);
/** Only the stack; bytes of it that are in use. */
size_t port_paint_stack(void);
/** Bytes of stack used since then, below the frame of port_main()'s caller. */
size_t port_stack_used(void);
/** Whether all RAM outside of the image, that of the machine that the image does without included, is as it was painted,
 * and the stack has room left. */
bool port_ram_untouched(void);
/** A checksum of code and constants: on many of the machines they lie in memory that can be written. */
uint32_t port_code_sum(void);
/** RAM of the image beside the stack: .data and .bss. Code and constants. */
size_t port_ram_bytes(void), port_flash_bytes(void);

#endif
