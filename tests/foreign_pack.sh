#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The same packages from two machines, byte for byte, and the same weights out of them: four small models through every
# way of packing but those that begin with a singular value decomposition, which is LAPACK's. A row names its model, a pattern that the listing of the
# package must show (so that it is seen to be of the kind that the row is there for), and the options.
# usage: foreign_pack.sh "FOREIGN MOTE" "MOTE" "GEN" FOLDER [JOBS]
set -eu

# One row, in a process of its own: foreign_pack.sh row NUMBER MODEL|PATTERN|OPTIONS, in the folder, with $FOREIGN, $HERE
if [ "$1" = row ]; then
    number=$2 model=${3%%|*} options=${3##*|}
    pattern=${3#*|} pattern=${pattern%|*}
    bad() { echo "$model $options: $*" >&2; exit 255; } # xargs stops
    # shellcheck disable=SC2086
    $FOREIGN pack "$model" -o "$number.foreign" --threads 1 $options 2>"$number.log" || bad "$(cat "$number.log")"
    # shellcheck disable=SC2086
    $HERE pack "$model" -o "$number.here" --threads 1 $options 2>"$number.log" || bad "$(cat "$number.log")"
    $HERE info "$number.here" >"$number.info"
    grep -Eq -e "$pattern" "$number.info" || bad "its listing has no \"$pattern\""
    cmp "$number.foreign" "$number.here" || bad "another package"
    $FOREIGN unpack "$number.here" -o "$number.f.safetensors" 2>"$number.log" || bad "$(cat "$number.log")"
    $HERE unpack "$number.here" -o "$number.h.safetensors" 2>"$number.log" || bad "$(cat "$number.log")"
    cmp "$number.f.safetensors" "$number.h.safetensors" || bad "other weights"
    rm "$number".*
    echo "$options" >>same
    exit 0
fi

FOREIGN=$1 HERE=$2 gen=$3 folder=$4 jobs=${5:-$(nproc)}
root=$(cd "$(dirname "$0")/.." && pwd)
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
export FOREIGN HERE
cp "$root/examples/fashion/fashion.safetensors" net.safetensors
cp "$root/spec/format.md" text
$gen big big.safetensors 64
$gen waves waves.safetensors
$gen model mix.safetensors # f32, bf16, i64, an empty one, a scalar
for type in f16 bf16; do
    $HERE pack net.safetensors -o $type.mote --$type 2>log || { cat log; exit 1; }
    $HERE unpack $type.mote -o $type.safetensors 2>log || { cat log; exit 1; }
done
$HERE keygen -o key --no-passphrase 2>log || { cat log; exit 1; }
{ # 1, 2, 8, 1/8 for the columns of big.safetensors
    printf '\100\0\0\0\0\0\0\0%-64s' '{"w":{"dtype":"F32","shape":[1024],"data_offsets":[0,4096]}}'
    for i in $(seq 256); do printf '\0\0\200\077\0\0\0\100\0\0\0\101\0\0\0\076'; done
} >importance.safetensors
cat >rules.json <<'END'
{ "*": { "bits": 8, "per": "row" }, "conv*": { "snr": 18, "trellis": 8 }, "fc1*": { "bits": 4, "per": 32,
  "zero-point": true, "scales": "f16" }, "conv2*": { "lossless": true }, "*5.weight": { "codebook": 16 } }
END

rows() {
    for profile in nano std host; do
        cat <<END
net.safetensors|dense float|--lossless --profile $profile
f16.safetensors|f16 .*float|--lossless --profile $profile
bf16.safetensors|bf16 .*float|--lossless --profile $profile
mix.safetensors|i64 |--lossless --tensor-digests --profile $profile
net.safetensors|affine 4-bit|--bits 4 --per row --profile $profile
net.safetensors|affine 8-bit|--bits 8 --per row --profile $profile
net.safetensors|trellis 32 states|--snr 20 --profile $profile
net.safetensors|bitmask affine 8-bit|--prune 0.7 --bits 8 --profile $profile
END
    done
    for bits in 1 2 3 5 6 7 16; do echo "net.safetensors|affine $bits-bit|--bits $bits"; done
    for states in 1 8 32 256 1024 2048; do
        echo "net.safetensors|trellis $states states|--snr 16 --trellis $states"
        echo "big.safetensors|trellis $states states|--snr 28 --trellis $states"
    done
    cat <<'END'
waves.safetensors|adaptive-1|--snr 12
waves.safetensors|adaptive-1|--snr 10 --trellis 256 --profile host
big.safetensors|affine 4-bit|--bits 4
big.safetensors|affine 4-bit|--bits 4 --zero-point --per 64 --scales f16
net.safetensors|affine 5-bit|--bits 5 --per tensor --scales bf16
net.safetensors|affine|--ternary
net.safetensors|affine 1-bit|--binary --per 64
net.safetensors|codebook|--codebook 16
net.safetensors|codebook|--codebook 5 --book-rows 8 --per 64 --scales f16
net.safetensors|codebook|--codebook 256 --per tensor
net.safetensors|codebook|--nf4
net.safetensors|codebook|--nf4 --per 32
net.safetensors|f8_e4m3|--fp8 e4m3
net.safetensors|f8_e5m2|--fp8 e5m2
net.safetensors|codebook|--fp8 e4m3 --per row
net.safetensors|codebook|--fp8 e5m2 --per 64
net.safetensors| f16 |--f16
net.safetensors| bf16 |--bf16
net.safetensors|bitmask float|--prune 0.9
big.safetensors|csr |--prune 0.999 --fp8 e4m3
big.safetensors|csr |--threshold 0.115
big.safetensors|bitmask affine|--nm 2:4 --bits 4
net.safetensors|affine 8-bit|--prune-rows 0.3 --bits 8
net.safetensors|trellis|--step 0.02 --trellis 8
net.safetensors|trellis|--snr 30 --native 16
net.safetensors|trellis 256 states|--snr 12 --trellis 256 --native 8
big.safetensors|trellis|--snr 18 --importance importance.safetensors
f16.safetensors|trellis|--snr 20
bf16.safetensors|affine 6-bit|--bits 6
mix.safetensors|affine 3-bit|--bits 3 --small 0
net.safetensors|codebook|--rules rules.json
net.safetensors|trellis|--size 30K
big.safetensors|trellis|--size 12000
net.safetensors|trellis|--max-error 0.01
net.safetensors|chunks +[0-9][0-9]|--bits 8 --chunk 1K
mix.safetensors|^text .*zstd|--bits 4 --blob text=text
net.safetensors|release: not checked|--bits 4 --key key.key --name net --sequence 3 --vendor 000102030405060708090a0b0c0d0e0f --created 1700000000
END
}

: >same
rows >list
awk '{ printf "%s%c%s%c", NR, 0, $0, 0 }' list | xargs -0 -n 2 -P "$jobs" sh "$root/tests/foreign_pack.sh" row
[ "$(wc -l <same)" = "$(wc -l <list)" ] || { echo "not every row was compared"; exit 1; }
echo "$(wc -l <same) packages and what they unpack to are the same"
