/* SPDX-License-Identifier: Apache-2.0
 * Threads that decode segments while the loader goes on reading and verifying: for mote_loader_config.dispatch. What
 * they get are copies of records that have been verified. Host only. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "dec/seg.h"
#include "mote/host.h"

enum { THREADS_MAX = 64 };

/** A segment that waits for a thread, or is with one. Its memory serves many. */
typedef struct job {
    mote_seg_env env;
    mote_dest dest;
    size_t segment;
    uint8_t *rec; /* owned */
    size_t bytes, room;
    enum { FREE, WAITING, TAKEN } state;
} job;

struct mote_pool {
    pthread_mutex_t lock;
    pthread_cond_t work, room; /* there is something to do; a job became free */
    bool end;
    mote_status st; /* of the first segment that failed since the last wait */
    size_t failed;  /* which one */
    unsigned n_threads, n_jobs, busy;
    pthread_t thread[THREADS_MAX];
    job jobs[2 * THREADS_MAX]; /* as many again as there are threads: they need not wait for the reader */
};

/** What a thread has for itself. */
typedef struct memory {
    mote_seg seg;
    uint8_t *scratch;
    size_t bytes;
} memory;

static mote_status decode(memory *m, job *j)
{
    if (j->env.scratch_bytes > m->bytes) {
        free(m->scratch);
        m->scratch = malloc(j->env.scratch_bytes);
        m->bytes = m->scratch ? j->env.scratch_bytes : 0;
        if (!m->scratch) return MOTE_ERR_NOMEM;
    }
    j->env.scratch = m->scratch;
    return mote_seg_dense(&m->seg, &j->env, j->segment, j->rec, j->bytes, &j->dest);
}

static job *find(mote_pool *p, int state)
{
    for (unsigned i = 0; i < p->n_jobs; i++)
        if ((int)p->jobs[i].state == state) return &p->jobs[i];
    return NULL;
}

static void *run(void *arg)
{
    mote_pool *p = arg;
    memory *m = calloc(1, sizeof *m);
    (void)pthread_mutex_lock(&p->lock);
    for (;;) {
        job *j;
        while (!(j = find(p, WAITING)) && !p->end) (void)pthread_cond_wait(&p->work, &p->lock);
        if (!j) break;
        j->state = TAKEN;
        (void)pthread_mutex_unlock(&p->lock);
        const mote_status st = m ? decode(m, j) : MOTE_ERR_NOMEM;
        (void)pthread_mutex_lock(&p->lock);
        if (st != MOTE_OK && (p->st == MOTE_OK || j->segment < p->failed)) {
            p->st = st;
            p->failed = j->segment;
        }
        j->state = FREE;
        p->busy--;
        (void)pthread_cond_broadcast(&p->room);
    }
    (void)pthread_mutex_unlock(&p->lock);
    if (m) free(m->scratch);
    free(m);
    return NULL;
}

/* A mote_dispatch.segment */
static mote_status give(void *ctx, const mote_seg_env *env, size_t segment, const uint8_t *rec, size_t bytes,
                        const mote_dest *dest)
{
    mote_pool *p = ctx;
    job *j;
    (void)pthread_mutex_lock(&p->lock);
    while (!(j = find(p, FREE))) (void)pthread_cond_wait(&p->room, &p->lock);
    mote_status st = p->st;
    if (st == MOTE_OK && j->room < bytes) {
        free(j->rec);
        j->rec = malloc(bytes);
        j->room = j->rec ? bytes : 0;
        if (!j->rec) st = MOTE_ERR_NOMEM;
    }
    if (st == MOTE_OK) {
        j->env = *env;
        j->dest = *dest;
        j->segment = segment;
        j->bytes = bytes;
        if (bytes) memcpy(j->rec, rec, bytes); /* a plane that costs nothing is an empty record */
        j->state = WAITING;
        p->busy++;
        (void)pthread_cond_signal(&p->work);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return st;
}

/* A mote_dispatch.wait */
static mote_status wait(void *ctx)
{
    mote_pool *p = ctx;
    (void)pthread_mutex_lock(&p->lock);
    while (p->busy) (void)pthread_cond_wait(&p->room, &p->lock);
    const mote_status st = p->st;
    p->st = MOTE_OK;
    (void)pthread_mutex_unlock(&p->lock);
    return st;
}

mote_pool *mote_pool_create(unsigned threads, mote_dispatch *dispatch)
{
    mote_pool *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->work, NULL);
    (void)pthread_cond_init(&p->room, NULL);
    if (threads > THREADS_MAX) threads = THREADS_MAX;
    while (p->n_threads < threads && pthread_create(&p->thread[p->n_threads], NULL, run, p) == 0) p->n_threads++;
    (void)pthread_mutex_lock(&p->lock);
    p->n_jobs = 2 * p->n_threads;
    (void)pthread_mutex_unlock(&p->lock);
    if (p->n_threads == 0) {
        mote_pool_free(p);
        return NULL;
    }
    *dispatch = (mote_dispatch){ give, wait, p };
    return p;
}

void mote_pool_free(mote_pool *p)
{
    if (!p) return;
    (void)pthread_mutex_lock(&p->lock);
    p->end = true;
    (void)pthread_cond_broadcast(&p->work);
    (void)pthread_mutex_unlock(&p->lock);
    while (p->n_threads) (void)pthread_join(p->thread[--p->n_threads], NULL);
    for (unsigned i = 0; i < 2 * THREADS_MAX; i++) free(p->jobs[i].rec);
    (void)pthread_cond_destroy(&p->room);
    (void)pthread_cond_destroy(&p->work);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}
