#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rules about files that no compiler checks: who may include what, that every source is in a list, licence lines.
# usage: tree.sh ROOT COMPILE_COMMANDS
set -u
cd "$1" || exit 2
bad=0

# forbid WHY PATTERN FILE...: no file has a line that matches.
forbid()
{
    why=$1 pattern=$2
    shift 2
    if grep -nE "$pattern" "$@"; then
        echo "^ $why"
        bad=1
    fi
}
files()
{
    find "$@" -name '*.[ch]' -type f | sort
}

forbid "format/ knows nothing of codec/" '#include "(common|dec|kern|enc|model)/' $(files format)
# The one thing shared is wr.h, which appends numbers to bytes: tables and heads are written with it.
forbid "codec/ reads packages, it does not write them" '#include "(write/([^w]|w[^r]|wr[^.])|sign/)' $(files codec)
forbid "device code includes device code" '#include "(write|sign|enc|model)/' \
    $(files format/base format/read codec/common codec/dec)
forbid "the tool uses public headers only" '#include "(\.\.|base|read|write|sign|common|dec|kern|enc|model)/' $(files cli)
forbid "crypto libraries are used in format/sign only" '#include <(sodium|openssl)' $(files format codec cli | grep -v '^format/sign/')
forbid "a shared header may not leave the tree" '#include "/' $(files format codec cli fuzz tests bench examples)

for file in $(files format codec cli fuzz tests bench examples); do
    sed -n '1,2p' "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' || { echo "$file: no licence line"; bad=1; }
done
# fuzz_*.c are compiled here as replays; the device tests and the consumer have builds of their own, a proposal has none.
for file in $(find format codec cli fuzz tests bench examples -name '*.c' -type f | grep -vE '^(tests/(consumer|device))/'); do
    grep -qF "/$file\"" "$2" || { echo "$file: in no list of sources"; bad=1; }
done
exit $bad
