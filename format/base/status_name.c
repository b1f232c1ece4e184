/* SPDX-License-Identifier: Apache-2.0
 * Names and texts of the status codes. Device code, in a file of its own so that a linker can leave it out. */
#include "mote/status.h"

const char *mote_status_name(mote_status st)
{
    switch (st) {
#define ROW(name, value, text) \
    case MOTE_##name: return #name;
        MOTE_STATUS_TABLE(ROW)
#undef ROW
    default: return "?";
    }
}

const char *mote_status_text(mote_status st)
{
    switch (st) {
#define ROW(name, value, text) \
    case MOTE_##name: return text;
        MOTE_STATUS_TABLE(ROW)
#undef ROW
    default: return "?";
    }
}
