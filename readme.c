#include <mote/mote.h>
#include <stdio.h>

static uint64_t work[16384], block[131072]; /* the loader's memory, and room for one block of weights */

int main(int argc, char **argv)
{
    uint8_t key[MOTE_PUBLIC_KEY_BYTES], piece[512];
    FILE *f = argc == 3 ? fopen(argv[1], "rb") : NULL;
    if (!f || !mote_crypto_host() || mote_keyfile_read_public(argv[2], key) != MOTE_OK) return 2;
    mote_loader_config config = { .crypto = *mote_crypto_host(), .trust = { .keys = key, .n_keys = 1 } };
    mote_loader *loader;
    mote_event ev = { 0 };
    mote_in in = { 0 };
    mote_status st = mote_loader_init(&loader, work, sizeof work, &config);
    while (st == MOTE_OK && ev.type != MOTE_EVENT_DONE) {
        mote_out out = { (uint8_t *)block, sizeof block };
        st = mote_loader_step(loader, &in, &out, &ev);
        if (st == MOTE_OK && ev.type == MOTE_EVENT_BLOCK) printf("tensor %u: %zu bytes\n", ev.index, ev.block.bytes);
        if (st != MOTE_NEED_INPUT) continue;
        in = (mote_in){ piece, fread(piece, 1, sizeof piece, f) };
        st = in.left ? MOTE_OK : mote_loader_end(loader);
    }
    puts(st == MOTE_OK ? "all of it is authentic" : mote_status_text(st));
    return st != MOTE_OK;
}
