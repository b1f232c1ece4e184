/* SPDX-License-Identifier: Apache-2.0
 * Status codes. Values never change meaning; gaps are for growth. The cause of a
 * refusal is normative (format.md 13) for inputs that have exactly one fault. */
#ifndef MOTE_STATUS_H
#define MOTE_STATUS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__) || defined(__clang__)
#define MOTE_MUST_CHECK __attribute__((warn_unused_result))
#else
#define MOTE_MUST_CHECK
#endif

/* X(name, value, text): one row a code; spec/registry.md holds the same table. */
#define MOTE_STATUS_TABLE(X)                                                    \
    X(NEED_INPUT, 1, "more input is needed")                                    \
    X(NEED_OUTPUT, 2, "more room for output is needed")                         \
    X(OK, 0, "done")                                                            \
    X(ERR_ARG, -1, "an argument is invalid")                                    \
    X(ERR_STATE, -2, "a call is out of order")                                  \
    X(ERR_NOMEM, -3, "not enough memory")                                       \
    X(ERR_IO, -4, "reading or writing failed")                                  \
    X(ERR_MISSING_TENSOR, -5, "no entry of that name")                          \
    X(ERR_MAGIC, -10, "this is not a mote package")                             \
    X(ERR_VERSION, -11, "the format version is unknown")                        \
    X(ERR_SUITE, -12, "the cryptographic suite is unknown")                     \
    X(ERR_TRUNCATED, -13, "the data ends too early")                            \
    X(ERR_TRAILING, -14, "bytes remain after the end")                          \
    X(ERR_VARINT, -15, "a number is not in its shortest form or too large")     \
    X(ERR_LIMIT, -16, "a value exceeds a limit of the format or of the reader") \
    X(ERR_RESERVED, -17, "a reserved value is not zero")                        \
    X(ERR_ORDER, -18, "tags, names or records are out of order")                \
    X(ERR_CRITICAL, -19, "an unknown critical tag")                             \
    X(ERR_MISSING, -20, "a required field is missing")                          \
    X(ERR_VALUE, -21, "a field has an invalid value")                           \
    X(ERR_UTF8, -22, "a text is not valid UTF-8 or has control characters")     \
    X(ERR_TREE, -23, "the lengths in the hash tree do not add up")              \
    X(ERR_RECORD, -24, "an unknown or malformed record")                        \
    X(ERR_FACTS, -25, "the package does not keep to its own stated facts")      \
    X(ERR_SHAPE, -26, "a shape is invalid or does not fit its grid")            \
    X(ERR_MODEL, -30, "the model file is malformed")                            \
    X(ERR_DIGEST, -40, "a digest does not match")                               \
    X(ERR_SIGNATURE, -41, "the signature of a trusted key does not verify")     \
    X(ERR_UNSIGNED, -42, "the package is not signed")                           \
    X(ERR_UNTRUSTED, -43, "not enough trusted keys have signed")                \
    X(ERR_KEY, -44, "a key or key file is invalid")                             \
    X(ERR_PASSPHRASE, -45, "the passphrase is wrong or missing")                \
    X(ERR_NAME, -50, "the package is for another component")                    \
    X(ERR_VENDOR, -51, "the package is for another vendor")                     \
    X(ERR_CLASS, -52, "the package is for another class of device")             \
    X(ERR_ROLLBACK, -53, "the sequence is older than the installed one")        \
    X(ERR_SAME_SEQUENCE, -54, "another package has the installed sequence")     \
    X(ERR_INSTALLED, -55, "this package is already installed")                  \
    X(ERR_NEEDS, -56, "the package needs something this reader does not have")  \
    X(ERR_MEMORY, -57, "the package needs more memory than allowed")            \
    X(ERR_TABLE, -60, "an entropy table is invalid")                            \
    X(ERR_STREAM, -61, "an entropy-coded stream is damaged")                    \
    X(ERR_RANGE, -62, "a decoded value is out of range")                        \
    X(ERR_SCALE, -63, "a scale or zero-point is invalid")                       \
    X(ERR_INDEX, -64, "a sparse index is out of range or out of order")         \
    X(ERR_PADDING, -65, "padding bits are not zero")                            \
    X(ERR_UNSUPPORTED, -66, "a registered form that this reader lacks")         \
    X(ERR_HEAD, -67, "a tensor head is inconsistent")                           \
    X(ERR_ZSTD, -68, "a zstd frame is invalid")

typedef enum mote_status {
#define MOTE_STATUS_ROW(name, value, text) MOTE_##name = (value),
    MOTE_STATUS_TABLE(MOTE_STATUS_ROW)
#undef MOTE_STATUS_ROW
} mote_status;

/** Name as in the spec, without MOTE_ ("ERR_DIGEST"); "?" for an unknown value. */
const char *mote_status_name(mote_status st);
/** One line for people; "?" for an unknown value. */
const char *mote_status_text(mote_status st);

#ifdef __cplusplus
}
#endif
#endif
