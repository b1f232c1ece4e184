/* SPDX-License-Identifier: Apache-2.0
 * The only place that states a version: of the library, and of the bytes on the wire. */
#ifndef MOTE_VERSION_H
#define MOTE_VERSION_H

#define MOTE_VERSION_MAJOR 0
#define MOTE_VERSION_MINOR 1
#define MOTE_VERSION_PATCH 0
#define MOTE_VERSION "0.1.0"

/** Format version and suite written into every prelude (format.md 3). */
#define MOTE_FORMAT_VERSION 1
#define MOTE_FORMAT_SUITE 1

#endif
