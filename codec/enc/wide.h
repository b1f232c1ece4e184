/* SPDX-License-Identifier: Apache-2.0
 * Loops of the encoder that are compiled twice from one text: for any machine, and for AVX2, which is taken where there
 * is one. They work on integers, so both give the same. Host only. */
#ifndef MOTE_ENC_WIDE_H
#define MOTE_ENC_WIDE_H

#if defined(__GNUC__) || defined(__clang__)
#define MOTE_LOOP __attribute__((always_inline)) static inline
#else
#define MOTE_LOOP static inline
#endif

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))

/** name ARGS does loop CALL; PARAMETERS and CALL in parentheses. */
#define MOTE_TWICE(name, PARAMETERS, loop, CALL)                                \
    __attribute__((target("avx2,bmi,bmi2"))) static void name##_avx2 PARAMETERS \
    {                                                                           \
        loop CALL;                                                              \
    }                                                                           \
    static void name PARAMETERS                                                 \
    {                                                                           \
        if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi2"))   \
            name##_avx2 CALL;                                                   \
        else                                                                    \
            loop CALL;                                                          \
    }

#else

#define MOTE_TWICE(name, PARAMETERS, loop, CALL) \
    static void name PARAMETERS                  \
    {                                            \
        loop CALL;                               \
    }

#endif

#endif
