#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A Python below FOLDER with NumPy and ONNX of the system and the coders that mote is compared with, and prints its path.
# NNCodec and ZipNN come from their packages by name and version, without what these depend on: a deep-learning
# framework that their coders do not need (bench/coders.py). Both are compiled here with -O3, once; what cannot be had
# is said and left out. Usage: install.sh FOLDER
set -eu
python=/usr/bin/python3 # Debian's, which has Debian's python3-numpy
[ -x $python ] || python=python3
home=$1/python
[ -x "$home/bin/pip" ] || $python -m venv --system-site-packages "$home" >&2
for package in nncodec==2.1.3 zipnn==0.5.4; do
    [ -e "$home/$package" ] && continue
    echo "bench: installing $package" >&2
    if CFLAGS="-O3 -g0" "$home/bin/pip" install -q --disable-pip-version-check --no-cache-dir --no-deps $package >&2; then
        : >"$home/$package"
    else
        echo "bench: $package cannot be installed, so nothing is compared with it" >&2
    fi
done
echo "$home/bin/python3"
