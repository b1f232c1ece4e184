#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Which names a library leaves undefined and which it defines.
# usage: symbols.sh NM ARCHIVE host|device|any    any: the undefined names are not looked at
set -eu
nm=$1 archive=$2 kind=$3
LC_ALL=C
export LC_ALL

# A cross compiler's support routines, by name: 64-bit shifts, products and quotients. A name of the kind __aeabi_f*
# here would mean that the flags of the floating-point unit are missing, __aeabi_d* that a double crept in.
support='__aeabi_uldivmod __aeabi_ldivmod __aeabi_lmul __aeabi_llsl __aeabi_llsr __aeabi_lasr __aeabi_uidiv __aeabi_idiv'
case $kind in
host) allowed='memcpy memmove memset memcmp' ;;
device) allowed="memcpy memmove memset memcmp $support" ;;
any) allowed= ;;
*) echo "usage: symbols.sh NM ARCHIVE host|device|any" >&2 && exit 2 ;;
esac

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"$nm" -P -g "$archive" >"$tmp/nm"
awk 'NF >= 2 && $2 != "U" { print $1 }' "$tmp/nm" | sort -u >"$tmp/defined"
awk 'NF >= 2 && $2 == "U" { print $1 }' "$tmp/nm" | sort -u | comm -23 - "$tmp/defined" >"$tmp/undefined"
bad=0
[ -s "$tmp/defined" ] || { echo "$archive defines nothing"; bad=1; }
if grep -v '^mote_' "$tmp/defined"; then
    echo "^ external names that do not begin with mote_"
    bad=1
fi
if [ "$kind" != any ]; then
    printf '%s\n' $allowed | sort >"$tmp/allowed"
    if comm -23 "$tmp/undefined" "$tmp/allowed" | grep .; then
        echo "^ names that device code must not need"
        bad=1
    fi
fi
exit $bad
