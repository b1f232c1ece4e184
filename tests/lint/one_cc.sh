#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The device files compile with one line and no build system, hosted libraries out of reach.
# usage: one_cc.sh ROOT CC OUT FILE...
set -eu
cd "$1"
cc=$2 out=$3
shift 3
rm -rf "$out"
mkdir -p "$out"
root=$PWD
cd "$out" # the objects land here
$cc -std=c11 -ffreestanding -O2 -Wall -Wextra -Werror -I"$root/format" -I"$root/format/include" -I"$root/codec" \
    -I"$root/codec/include" -c "$@"
echo "$# files"
