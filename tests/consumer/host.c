/* SPDX-License-Identifier: Apache-2.0
 * A user of the installed host library: signs and checks a message, so that the crypto back end is really linked. */
#include <mote/sign.h>
#include <mote/version.h>

#include <stdio.h>

int main(void)
{
    static const uint8_t seed[32] = { 1 }, msg[3] = { 'a', 'b', 'c' };
    uint8_t sig[MOTE_SIGNATURE_BYTES];
    mote_keypair pair;
    const mote_crypto *crypto = mote_crypto_host();

    if (!crypto || mote_keypair_from_seed(&pair, seed) != MOTE_OK) return 1;
    if (mote_keypair_sign(&pair, msg, sizeof msg, sig) != MOTE_OK) return 1;
    if (crypto->ed25519(crypto->ctx, sig, msg, sizeof msg, pair.pub) != MOTE_OK) return 1;
    sig[0] ^= 1;
    if (crypto->ed25519(crypto->ctx, sig, msg, sizeof msg, pair.pub) != MOTE_ERR_SIGNATURE) return 1;
    puts(MOTE_VERSION);
    return 0;
}
