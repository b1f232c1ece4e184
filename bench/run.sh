#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The figures of the README, each printed beside its target. Fetches its model once, below build/.
# Usage: run.sh BUILD_FOLDER
set -eu
missed=0
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
"$here/../.ci/packages" bench
model=$("$here/fetch.sh" "$build/../models") || { echo "bench: no model, so nothing to measure" >&2; exit 1; }
"$build/bench/bench_decode"
python3 "$here/sparse.py" "$build/cli/mote" "$model" "$build/bench" || missed=1
python3 "$here/u8.py" "$build/cli/mote" "$build/../models" || missed=1
python3 "$here/fetch_models.py" "$build/../models" || echo "bench: not all development models are there" >&2
python3 "$here/rd.py" "$build/cli/mote" "$build/../models" "$build/bench" || missed=1
python3 "$here/floats.py" "$build/cli/mote" "$build/bench" "$model" || missed=1
python3 "$here/representations.py" "$build" || missed=1
python3 "$here/accounting.py" "$build/cli/mote" "$here/../examples/fashion/fashion.safetensors" --snr 16 || missed=1
python3 "$here/figures.py" "$build/cli/mote" "$model" "$build/bench" || missed=1
exit $missed
