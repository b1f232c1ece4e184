/* SPDX-License-Identifier: Apache-2.0
 * Which kernel this machine runs best. Host only. */
#include "kern/kern.h"

const mote_kern *mote_kern_best(void)
{
    const mote_kern *k = mote_kern_avx512();
    if (!k) k = mote_kern_avx2();
    return k ? k : mote_kern_host();
}
