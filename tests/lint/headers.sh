#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every public header compiles alone, as C11 and as C++17. Included twice, to see the guard.
# usage: headers.sh ROOT CC CXX
set -u
root=$1 cc=$2 cxx=$3 bad=0 n=0
include="-I$root/format/include -I$root/codec/include"
for header in "$root"/format/include/mote/*.h "$root"/codec/include/mote/*.h; do
    name=mote/${header##*/}
    text=$(printf '#include "%s"\n#include "%s"\nextern int mote_lint_headers;' "$name" "$name")
    printf '%s\n' "$text" | $cc -std=c11 -Wall -Wextra -Wpedantic -Wundef -Wstrict-prototypes -Werror -fsyntax-only $include -xc - ||
        { echo "$name does not compile alone as C11"; bad=1; }
    printf '%s\n' "$text" | $cxx -std=c++17 -Wall -Wextra -Wpedantic -Wundef -Werror -fsyntax-only $include -xc++ - ||
        { echo "$name does not compile alone as C++17"; bad=1; }
    n=$((n + 1))
done
echo "$n headers"
[ $n -gt 5 ] || bad=1
exit $bad
