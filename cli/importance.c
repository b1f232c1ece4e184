/* SPDX-License-Identifier: Apache-2.0
 * Weights of columns out of a file. See importance.h. */
#include "importance.h"

#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "report.h"

static bool has(mote_model *model, const char *name)
{
    size_t n;
    const mote_model_tensor *t = mote_model_tensors(model, &n);
    for (size_t i = 0; i < n; i++)
        if (strcmp(t[i].name, name) == 0) return true;
    return false;
}

static float f32_at(const uint8_t *p)
{
    const uint32_t bits = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static int read_weights(importance *x, size_t i, const mote_model_tensor *t, const char *path)
{
    mote_model_error error = { 0 };
    const uint8_t *data;
    const mote_status st = mote_model_data(x->model, i, &data, &error);
    if (st != MOTE_OK) return report_error(path, st, error.text);
    x->weight[i] = calloc((size_t)t->elements + 1, sizeof *x->weight[i]);
    for (size_t c = 0; x->weight[i] && c < t->elements; c++) x->weight[i][c] = f32_at(data + 4 * c);
    mote_model_release(x->model, i);
    return x->weight[i] ? STATUS_DONE : report_error(path, MOTE_ERR_NOMEM, NULL);
}

int importance_open(importance *x, const opts *o, const char *path, mote_model *model)
{
    mote_model_error error = { 0 };
    int done = io_map_open(&x->in, path);
    if (done != STATUS_DONE) return done;
    const mote_status st = mote_model_open(&x->model, x->in.p, x->in.bytes, &error);
    if (st != MOTE_OK) return report_error(path, st, error.text);
    size_t n;
    const mote_model_tensor *t = mote_model_tensors(x->model, &n);
    x->weight = calloc(n + 1, sizeof *x->weight);
    if (!x->weight) return report_error(path, MOTE_ERR_NOMEM, NULL);
    for (size_t i = 0; i < n && done == STATUS_DONE; i++) {
        char safe[1024];
        const char *name = report_safe(safe, sizeof safe, t[i].name, strlen(t[i].name));
        if (!has(model, t[i].name)) return opt_error(o, "--importance: the model has no tensor \"%s\"", name);
        if (t[i].dtype != MOTE_F32) return opt_error(o, "--importance: \"%s\" is not f32", name);
        done = read_weights(x, i, &t[i], path);
    }
    return done;
}

void importance_free(importance *x)
{
    size_t n = 0;
    if (x->model) (void)mote_model_tensors(x->model, &n);
    for (size_t i = 0; x->weight && i < n; i++) free(x->weight[i]);
    free(x->weight);
    mote_model_close(x->model);
    io_map_close(&x->in);
}

void importance_set(const importance *x, const char *name, mote_encode_options *options)
{
    size_t n = 0;
    const mote_model_tensor *t = x->model ? mote_model_tensors(x->model, &n) : NULL;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(t[i].name, name) != 0) continue;
        options->importance = x->weight[i];
        options->importance_columns = t[i].elements;
    }
}
