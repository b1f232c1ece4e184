#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Answers every question of the benchmarks: a table and a CSV for each below BUILD_FOLDER/bench, and at the end all
# figures beside what was asked. Models and coders are fetched once, below build/; what cannot be had is said and left
# out. Fails if a figure is missed. Usage: run.sh BUILD_FOLDER [QUESTION...]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
shift
all="kernels lossless lossy rd u8 sparse representations accounting figures"
mote=$build/cli/mote models=$build/../models out=$build/bench
"$here/../.ci/packages" bench
python=$("$here/install.sh" "$build/..")
"$python" "$here/fetch_models.py" "$models" || echo "bench: not all models are there" >&2
minilm=$models/minilm.safetensors
development="$models/silero_vad_v5.safetensors $models/esrgan_slim_x4.safetensors $models/ppocr_v4_det.safetensors
    $models/ppocr_v4_rec.safetensors"

ask()
{
    case $1 in
    kernels) set -- "$out" "$out" ;;
    lossless | lossy) set -- "$out/bench_package" "$mote" "$models" "$out" ;;
    rd | u8) set -- "$mote" "$models" "$out" ;;
    sparse | figures) set -- "$mote" "$minilm" "$out" ;;
    representations) set -- "$build" ;;
    esac
    "$python" "$here/$question.py" "$@"
}

account()
{
    models_there=
    for m in $1; do [ ! -e "$m" ] || models_there="$models_there $m"; done
    shift
    [ -z "$models_there" ] || "$python" "$here/accounting.py" "$mote" "$out" $models_there -- "$@"
}

for question in ${*:-$all}; do
    rm -f "$out/$question".csv "$out/$question".figures.csv
    printf '\n== %s ==\n' "$question"
    begin=$(date +%s)
    case $question in
    accounting)
        account "$here/../examples/fashion/fashion.safetensors" --snr 16
        account "$development" --snr 18.5 --trellis 256 --profile host
        account "$development" --bits 8 --profile host
        account "$development $minilm" --lossless --profile host
        ;;
    *) ask "$question" || true ;; # its figures say what is missed
    esac
    echo "($question: $(($(date +%s) - begin)) s)"
done
printf '\n'
exec "$python" "$here/summary.py" "$out" $(for q in ${*:-$all}; do [ "$q" = accounting ] || echo "$q"; done)
