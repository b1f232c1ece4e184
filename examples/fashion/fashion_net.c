/* SPDX-License-Identifier: Apache-2.0
 * The example network's arithmetic. Channel-last activations and [out, ky, kx, in] weights make the products of one
 * window row contiguous in both, so that one dot product serves every layer and needs no border copies. */
#include "fashion_net.h"

enum {
    LANES = 8, /* partial sums; fixes the order of additions, and fills vector registers where there are any */
    A = 0,     /* two halves of the activation memory, read and written in turn: 28 * 28 or 7 * 7 * 32 floats, */
    B = 1568   /* and 14 * 14 * 16 or 7 * 7 * 64 floats */
};

const mote_fashion_layer mote_fashion_layers[MOTE_FASHION_LAYERS] = {
    { "conv1.weight", "conv1.bias", 28, 1, 16, 3, 2, true, A, B },
    { "conv2.weight", "conv2.bias", 14, 16, 32, 3, 2, true, B, A },
    { "conv3.weight", "conv3.bias", 7, 32, 64, 3, 1, true, A, B },
    { "conv4.weight", "conv4.bias", 7, 64, 32, 3, 2, true, B, A },
    { "conv5.weight", "conv5.bias", 4, 32, 64, 3, 2, true, A, B },
    { "fc1.weight", "fc1.bias", 1, 256, 64, 1, 1, true, B, A },
    { "fc2.weight", "fc2.bias", 1, 64, 10, 1, 1, false, A, B },
};

const char *const mote_fashion_classes[MOTE_FASHION_CLASSES] = { "T-shirt/top", "trouser",   "pullover", "dress",
                                                                 "coat",        "sandal",    "shirt",    "sneaker",
                                                                 "bag",         "ankle boot" };

size_t mote_fashion_row(const mote_fashion_layer *layer)
{
    return (size_t)layer->kernel * layer->kernel * layer->in;
}

static bool same(const char *a, const char *name, size_t name_bytes)
{
    for (size_t i = 0; i < name_bytes; i++)
        if (a[i] == '\0' || a[i] != name[i]) return false;
    return a[name_bytes] == '\0';
}

const mote_fashion_layer *mote_fashion_find(const char *name, size_t name_bytes, bool *is_bias)
{
    for (size_t i = 0; i < MOTE_FASHION_LAYERS; i++) {
        const mote_fashion_layer *l = &mote_fashion_layers[i];
        bool bias = same(l->bias, name, name_bytes);
        if (bias || same(l->weight, name, name_bytes)) {
            *is_bias = bias;
            return l;
        }
    }
    return NULL;
}

void mote_fashion_input(float work[MOTE_FASHION_WORK], const uint8_t image[MOTE_FASHION_SIDE * MOTE_FASHION_SIDE])
{
    const size_t n = (size_t)MOTE_FASHION_SIDE * MOTE_FASHION_SIDE;
    for (size_t i = 0; i < n; i++) work[mote_fashion_layers[0].in_at + i] = (float)image[i] / 255.0f;
}

static void dot(float sum[LANES], const float *a, const float *b, size_t n)
{
    size_t i = 0;
    for (; n - i >= LANES; i += LANES)
        for (size_t j = 0; j < LANES; j++) sum[j] += a[i + j] * b[i + j];
    for (size_t j = 0; j < n - i; j++) sum[j] += a[i + j] * b[i + j];
}

/* One value of the convolution before bias: the window around (y, x), cut at the border. */
static float window(const mote_fashion_layer *l, const float *in, const float *w, size_t y, size_t x)
{
    size_t pad = l->kernel / 2u;
    size_t x0 = x < pad ? pad - x : 0;                                         /* first column of the kernel used */
    size_t x1 = l->side + pad - x < l->kernel ? l->side + pad - x : l->kernel; /* x < side */
    float sum[LANES] = { 0 };
    for (size_t ky = 0; ky < l->kernel; ky++)
        if (y + ky >= pad && y + ky - pad < l->side)
            dot(sum, in + ((y + ky - pad) * l->side + x + x0 - pad) * l->in, w + (ky * l->kernel + x0) * l->in,
                (x1 - x0) * l->in);
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

bool mote_fashion_rows(const mote_fashion_layer *l, float work[MOTE_FASHION_WORK], const float *weights,
                       const float *bias, size_t row, size_t n_rows)
{
    if (row > l->out || n_rows > l->out - row) return false;
    const float *in = work + l->in_at;
    for (size_t r = row; r < row + n_rows; r++, weights += mote_fashion_row(l)) {
        float *out = work + l->out_at + r;
        for (size_t y = 0; y < l->side; y += l->pool)
            for (size_t x = 0; x < l->side; x += l->pool, out += l->out) {
                float best = window(l, in, weights, y, x);
                for (size_t p = 1; p < (size_t)l->pool * l->pool; p++) {
                    size_t py = y + p / l->pool, px = x + p % l->pool;
                    float v = py < l->side && px < l->side ? window(l, in, weights, py, px) : best;
                    best = v > best ? v : best;
                }
                best += bias[r];
                *out = l->relu && !(best > 0) ? 0 : best;
            }
    }
    return true;
}

unsigned mote_fashion_class(const float work[MOTE_FASHION_WORK])
{
    const float *out = work + mote_fashion_layers[MOTE_FASHION_LAYERS - 1].out_at;
    unsigned best = 0;
    for (unsigned i = 1; i < MOTE_FASHION_CLASSES; i++)
        if (out[i] > out[best]) best = i;
    return best;
}

unsigned mote_fashion_classify(float work[MOTE_FASHION_WORK], const float *const weights[MOTE_FASHION_LAYERS],
                               const float *const biases[MOTE_FASHION_LAYERS],
                               const uint8_t image[MOTE_FASHION_SIDE * MOTE_FASHION_SIDE])
{
    mote_fashion_input(work, image);
    for (size_t i = 0; i < MOTE_FASHION_LAYERS; i++) {
        const mote_fashion_layer *l = &mote_fashion_layers[i];
        (void)mote_fashion_rows(l, work, weights[i], biases[i], 0, l->out);
    }
    return mote_fashion_class(work);
}
