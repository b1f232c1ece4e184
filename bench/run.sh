#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The figures of the README, each printed beside its target. Fetches its model once, below build/.
# Usage: run.sh BUILD_FOLDER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
"$here/../.ci/packages" bench
model=$("$here/fetch.sh" "$build/../models") || { echo "bench: no model, so nothing to measure" >&2; exit 1; }
exec python3 "$here/figures.py" "$build/cli/mote" "$model" "$build/bench"
