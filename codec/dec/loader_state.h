/* SPDX-License-Identifier: Apache-2.0
 * The loader's own memory, for the files that make it up. Internal to dec/. Device code. */
#ifndef MOTE_CODEC_LOADER_STATE_H
#define MOTE_CODEC_LOADER_STATE_H

#include "dec/seg.h"
#include "mote/loader.h"

typedef enum state {
    /* before trust */
    ST_PRELUDE,
    ST_MANIFEST,
    ST_SIGNATURE_HEAD,
    ST_SIGNATURE,
    ST_TRUST,
    /* behind it */
    ST_BODY,
    ST_NODE,    /* a page or a chunk is to be gathered */
    ST_VERIFY,  /* it has been */
    ST_RECORD,  /* the next record of the chunk, or its end */
    ST_SEGMENT, /* a segment waits for output */
    ST_TENSOR_END,
    ST_FOUND, /* a tensor that was asked for by name has ended */
    ST_DONE
} state;

typedef enum phase { PH_ENTRIES, PH_HEAD, PH_RESIDENT, PH_SEGMENT, PH_END } phase;

/* What the directory says of one entry, kept until its data have come. */
typedef struct mote_dirent {
    size_t elements, stored;
    uint32_t chunk, offset;
    uint8_t dtype;
} mote_dirent;

/* Parts of the workspace behind the loader itself. */
enum { PAGES, DIRECTORY, TABLES, PREPARED, RESIDENTS, INFLATED, CHUNK, NAME, PARTS };

/* Small and busy members first: near ones are reached with shorter instructions. */
struct mote_loader {
    uint8_t state, phase;
    uint8_t form;     /* of the current tensor, a mote_form */
    uint8_t foreign;  /* something exceeds the facts, or uses an id that the needs do not state */
    uint8_t choosing; /* it has begun and nothing of it has been decoded */
    uint8_t skip, pulling, finding;
    uint8_t partial; /* segments of the current tensor have been passed over */
    uint8_t last_kind;
    mote_status st; /* the first permanent error */
    /* gathering while have < want: bytes into to, or nowhere */
    uint8_t *to;
    uint32_t want, have;
    uint32_t chunk_bytes; /* of the verified chunk in memory; 0: there is none */
    uint32_t cursor;      /* of the next record in it */
    uint32_t index;       /* entry */
    size_t part;          /* residents or segments of it seen so far */
    size_t stored;        /* bytes of its records seen so far */
    mote_dirent cur;      /* what the directory says of it */
    uint8_t *target;
    size_t target_bytes;
#if MOTE_LOADER_DISPATCH
    bool sent;            /* others decode segments of this tensor */
    const uint8_t *chunk; /* where the one that was asked for last lies */
#endif
    mote_prelude prelude;
    mote_record record;   /* at the cursor; in ST_SEGMENT it waits for output */
    size_t at[PARTS + 1]; /* offsets of the parts; last: the end */
    uint32_t resume;      /* chunk to go on with, 0: from the beginning */
    uint32_t goal;        /* offset of the record to begin with in the chunk that comes next */
    uint32_t chunks_read;
    size_t file_at; /* position in the file of the next byte to gather */
    size_t work_bytes;
    uint32_t last_name_bytes;
    int sig_key;
    mote_signature_head sig;
    mote_signature_scan scan;
    uint8_t signature_buf[MOTE_SIGNATURE_HEAD_BYTES];
    uint8_t digest[MOTE_DIGEST_BYTES];
    mote_loader_config config;
    mote_manifest manifest; /* texts are valid only up to ST_BODY */
    mote_tree tree;
    mote_facts seen;
    mote_needs needs_seen;
    mote_seg_env env;
    mote_native native;
    mote_entry entry;
    mote_head head;
    mote_seg seg;
};

static inline void *mote_loader_part(mote_loader *ld, unsigned part)
{
    return (uint8_t *)ld + ld->at[part];
}

/* ---- of loader.c, for resume.c ---- */

/** What is wrong with the input stays wrong; a misplaced output buffer or a call out of order can be mended. */
mote_status mote_loader_fail(mote_loader *ld, mote_status st);
/** From trust to the body: lay the workspace out. In ST_BODY only. */
mote_status mote_loader_begin_body(mote_loader *ld);
/** Lead to a record of a chunk; the chunk in memory is used again if it is the one. */
mote_status mote_loader_go_to(mote_loader *ld, uint32_t chunk, uint32_t offset);
/** Ask for the next page or chunk. */
mote_status mote_loader_want_node(mote_loader *ld);
/** Read from the source what is being gathered. */
mote_status mote_loader_fetch(mote_loader *ld, const mote_source *source);

/* ---- of resume.c, for loader.c ---- */

/** The entry to begin with, once the directory has been read. */
uint32_t mote_loader_resume_entry(mote_loader *ld);
/** At segment 0 of that entry, before the place to go on with: lead there. */
mote_status mote_loader_resume_jump(mote_loader *ld);

#endif
