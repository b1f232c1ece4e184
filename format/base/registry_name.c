/* SPDX-License-Identifier: Apache-2.0
 * Names of element types and ids, for people and tools. Device code, in a file of its own so that a linker can leave
 * it out. */
#include "mote/registry.h"

const char *mote_dtype_name(unsigned dtype)
{
    switch (dtype) {
#define MOTE_DTYPE(id, name, text, b) \
    case id: return text;
/* one case a row of the table */
#include "base/registry.def"
    default: return "?";
    }
}

const char *mote_id_name(unsigned id)
{
    switch (id) {
#define MOTE_ID(id, name, text, state) \
    case id: return text;
/* one case a row of the table */
#include "base/registry.def"
    default: return "?";
    }
}
