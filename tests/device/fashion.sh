#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A package of the example network for a device, and what the host makes of it, into FOLDER.
# usage: fashion.sh ROOT MOTE FASHION_EXPECT FOLDER COUNT OPTION...
set -eu
root=$1 mote=$2 expect=$3 folder=$4 count=$5
shift 5
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
"$mote" keygen -o key --no-passphrase
"$mote" pack "$root/examples/fashion/fashion.safetensors" -o net.mote --key key.key --name fashion --sequence 2 \
    --profile nano "$@"
"$mote" unpack net.mote -o net.safetensors --pub key.pub
"$expect" "$root/examples/fashion/images.safetensors" net.safetensors key.pub "$count" images.bin
