#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What zstd costs a device, as README.md says it: a text packed in profile std, inflated by text.c on a Cortex-M4. Fails
# above its limits. With a README as the last argument the line there is replaced.
# usage: zstd.sh ROOT MOTE TEXT BOARD_BUILD [README.md]
set -eu
root=$1 mote=$2 text=$3 build=$4 readme=${5:-}
most_flash=20480 most_instructions=900 most_stack=1024
work=$PWD/zstd_figures
mkdir -p "$work"
cd "$work"
cp "$text" text
"$mote" pack "$root/examples/fashion/fashion.safetensors" -o text.mote --profile std --chunk 4K --blob text=text 2>log ||
    { cat log >&2; exit 1; }
qemu-system-arm -M mps2-an386 -display none -monitor none -serial none -icount shift=0 \
    -semihosting-config enable=on,target=native -kernel "$build/text" >log 2>&1 || { cat log >&2; exit 1; }
read -r instructions stack ram <<END
$(sed -n 's/^zstd //p' log)
END
# what a linker keeps of the decoder and the few lines that call it
arm-none-eabi-gcc -nostdlib -Wl,-r -Wl,--gc-sections -Wl,-e,device_inflate -o inflate.o "$build/libinflate.a"
flash=$(arm-none-eabi-size -B inflate.o | awk 'NR == 2 { print $1 }')
line="zstd for blobs, one chunk at a time: $flash bytes of flash, $ram of RAM, $stack of stack, $(
    echo "$instructions" | awk '{ printf "%.1f", $1 / 10 }') instructions a byte of text."
echo "$line"
[ "$flash" -le $most_flash ] && [ "$stack" -le $most_stack ] && [ "$instructions" -le $most_instructions ] ||
    { echo "at most $most_flash bytes of flash, $most_stack of stack, $most_instructions tenths of an instruction" >&2; exit 1; }
[ -z "$readme" ] || sed -i "s/^zstd for blobs, one chunk at a time: .*/$line/" "$readme"
