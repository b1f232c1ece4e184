#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The main job on a real network: pack it in several ways, sign, verify, load through the streaming loader, classify;
# then damage one byte and see it refused. Usage: demo.sh BUILD_FOLDER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
mote=$build/cli/mote
classify=$build/examples/fashion_demo
work=$build/demo
rm -rf "$work"
mkdir -p "$work"
cd "$work"

model=$here/fashion.safetensors
"$mote" keygen -o fashion --no-passphrase # a key for this run only
size=$(wc -c <"$model")
echo "Fashion-MNIST network, $size bytes of safetensors; accuracy on $here/images.safetensors"
echo
printf '%-26s %8s %9s %12s %10s\n' package bytes accuracy 'loader bytes' 'decode ms'

# row LABEL FILE OPTION...: pack, verify, load, classify
row() {
    label=$1 file=$2
    shift 2
    "$mote" pack "$model" -o "$file" --key fashion.key --name fashion --sequence 1 --profile nano "$@" 2>"$file.log" ||
        { cat "$file.log"; exit 1; }
    "$mote" verify --pub fashion.pub "$file" >"$file.verified"
    "$classify" "$file" fashion.pub "$here/images.safetensors" "$label ($(ratio "$file"))"
}
ratio() { awk -v a="$size" -v b="$(wc -c <"$1")" 'BEGIN { printf "%.1fx", a / b }'; }

row "lossless" lossless.mote --lossless
row "8 bits" bits8.mote --bits 8
row "4 bits" bits4.mote --bits 4
row "3 bits" bits3.mote --bits 3
row "70 % zeros, 8 bits" pruned.mote --prune 0.7 --bits 8
row "rank 16, 8 bits" lowrank.mote --rank 16 --bits 8


# damaged OFFSET: bits4.mote with one bit of that byte changed
damaged() {
    byte=$(od -An -tu1 -j "$1" -N 1 bits4.mote)
    { head -c "$1" bits4.mote; printf "\\$(printf %03o $((byte ^ 1)))"; tail -c +$(($1 + 2)) bits4.mote; } >damaged.mote
}
refused() {
    echo
    echo "$1"
    damaged "$2"
    "$classify" damaged.mote fashion.pub "$here/images.safetensors" damaged && { echo "accepted?!" >&2; exit 1; }
    status=0
    "$mote" verify --pub fashion.pub damaged.mote || status=$?
    [ "$status" = 1 ] || { echo "mote verify: unexpected exit status $status" >&2; exit 1; }
}
manifest=$(od -An -tu2 -j 10 -N 2 bits4.mote)
signature=$(od -An -tu2 -j 12 -N 2 bits4.mote)
refused "One bit of bits4.mote changed, in the first bytes behind the signature:" $((16 + manifest + signature + 200))
refused "One bit of its last byte changed (what came before was authentic, but the package is never complete):" \
    $(($(wc -c <bits4.mote) - 1))
