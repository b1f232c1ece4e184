#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The same packages from two machines: the example network and vectors through every way of packing but those that begin
# with a singular value decomposition, which is LAPACK's. usage: foreign_pack.sh "FOREIGN MOTE" "MOTE" FOLDER
set -eu
foreign=$1 here=$2 folder=$3
root=$(cd "$(dirname "$0")/.." && pwd)
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
n=0
same() {
    name=$1
    shift
    $foreign pack "$root/examples/fashion/fashion.safetensors" -o foreign.mote "$@" 2>foreign.log || { cat foreign.log; exit 1; }
    $here pack "$root/examples/fashion/fashion.safetensors" -o here.mote "$@" 2>here.log || { cat here.log; exit 1; }
    cmp foreign.mote here.mote || { echo "$name: another package"; exit 1; }
    n=$((n + 1))
    rm -f foreign.mote here.mote
}
for profile in nano std host; do
    same "lossless $profile" --lossless --profile $profile
    for bits in 1 2 3 4 6 8 16; do same "$bits bits $profile" --bits $bits --profile $profile; done
    same "zero-points $profile" --bits 4 --zero-point --per 64 --scales f16 --profile $profile
    same "tensor $profile" --bits 5 --per tensor --profile $profile
    same "pruned $profile" --prune 0.7 --bits 8 --profile $profile
    same "pruned floats $profile" --prune 0.9 --profile $profile
    same "f16 $profile" --f16 --profile $profile
    same "bf16 $profile" --bf16 --tensor-digests --profile $profile
done
echo "$n packages are the same"
