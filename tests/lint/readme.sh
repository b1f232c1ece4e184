#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The README's program is examples/load.c, word for word, so it compiles and does what the README says.
# usage: readme.sh ROOT
set -eu
sed -n '/^```c$/,/^```$/p' "$1/README.md" | sed '/^```/d' >readme.c
sed '1,2d' "$1/examples/load.c" | diff - readme.c
[ -s readme.c ]
