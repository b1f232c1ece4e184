#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every C file of the tree is formatted by .clang-format. usage: format.sh ROOT
set -eu
cd "$1"
find format codec cli tests fuzz bench examples -name '*.[ch]' -type f -print0 |
    xargs -0 clang-format-14 --dry-run -Werror --ferror-limit=3
