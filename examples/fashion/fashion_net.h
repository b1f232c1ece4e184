/* SPDX-License-Identifier: Apache-2.0
 * Inference of the example network: plain freestanding C that runs on a microcontroller as it does on a host. It knows
 * nothing of packages. A program gives it the weights in the order in which a package delivers them, any number of
 * output rows at a time, so that a layer's weights need never be in memory together. */
#ifndef MOTE_FASHION_NET_H
#define MOTE_FASHION_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MOTE_FASHION_SIDE 28 /**< images are SIDE x SIDE grey bytes, row by row, 0 = background */
#define MOTE_FASHION_CLASSES 10
#define MOTE_FASHION_LAYERS 7
#define MOTE_FASHION_WORK 4704 /**< floats of activation memory for one image, the table's in_at and out_at are in it */
#define MOTE_FASHION_MAX_ROW 576 /**< weights in the longest row of any layer */
#define MOTE_FASHION_MAX_ROWS 64 /**< rows, hence biases, of the layer that has most */

/**
 * One layer: out channels, each from a window of kernel x kernel x in values, zeros beyond the border, stride 1; then
 * the maximum of each pool x pool block (smaller blocks at an odd border), then max(0, .) if relu. A dense layer is a
 * layer of side 1 and kernel 1.
 *
 * Shapes  input [side, side, in], output [ceil(side / pool), same, out], channel last;
 *         weight [out, kernel, kernel, in] or [out, in]; bias [out]
 */
typedef struct mote_fashion_layer {
    const char *weight,
        *bias; /**< tensor names; sorted by name, all tensors come in the order in which they are used */
    uint16_t side, in, out;
    uint8_t kernel, pool;
    bool relu;
    uint16_t in_at, out_at; /**< floats from the start of the activation memory */
} mote_fashion_layer;

extern const mote_fashion_layer mote_fashion_layers[MOTE_FASHION_LAYERS];
extern const char *const mote_fashion_classes[MOTE_FASHION_CLASSES];

/** Weights of one output row. */
size_t mote_fashion_row(const mote_fashion_layer *layer);

/** The layer that a tensor belongs to, and whether it is the bias; NULL if the network has no tensor of that name. */
const mote_fashion_layer *mote_fashion_find(const char *name, size_t name_bytes, bool *is_bias);

/** Put an image into the activation memory, as the first layer's input in 0..1. */
void mote_fashion_input(float work[MOTE_FASHION_WORK], const uint8_t image[MOTE_FASHION_SIDE * MOTE_FASHION_SIDE]);

/**
 * Compute output channels row .. row + n_rows - 1 of one layer. After all rows of a layer, in any order and any
 * portions, the next layer can start.
 *
 * Shapes    work: activation memory; weights: n_rows rows, those asked for only; bias: the layer's, all of it
 * Rounding  binary32, one multiplication and one addition at a time in a fixed order (no fused multiply-add if
 *           compiled with -ffp-contract=off): the same bits everywhere, however the rows are portioned
 * Memory    constant stack
 * Returns   false if the layer has no such rows; nothing is written then
 */
bool mote_fashion_rows(const mote_fashion_layer *layer, float work[MOTE_FASHION_WORK], const float *weights,
                       const float *bias, size_t row, size_t n_rows);

/** The class with the largest output (the first, if equal), after the last layer. */
unsigned mote_fashion_class(const float work[MOTE_FASHION_WORK]);

/** All of the above for one image, with whole tensors in the order of mote_fashion_layers. */
unsigned mote_fashion_classify(float work[MOTE_FASHION_WORK], const float *const weights[MOTE_FASHION_LAYERS],
                               const float *const biases[MOTE_FASHION_LAYERS],
                               const uint8_t image[MOTE_FASHION_SIDE * MOTE_FASHION_SIDE]);

#ifdef __cplusplus
}
#endif
#endif
