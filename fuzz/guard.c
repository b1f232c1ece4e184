/* SPDX-License-Identifier: Apache-2.0
 * A target that accepts everything: what is tested with it is replay_main.c itself. */
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    (void)data;
    return size == SIZE_MAX;
}
