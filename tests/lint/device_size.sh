#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Code and constants of mote_device on a Cortex-M4, per file, against the budget; also that the library keeps no
# writable data and which names it needs. Files with a row of their own are those a firmware may leave out.
# usage: device_size.sh ARCHIVE [BUDGET]    without BUDGET the table is only printed
set -eu
archive=$1 budget=${2:-/dev/null}
arm-none-eabi-size -B "$archive" | awk -v budget="$budget" '
    BEGIN {
        while ((getline line < budget) > 0) {
            sub(/#.*/, "", line)
            if (split(line, f, " ") == 2) max[f[1]] = f[2]
        }
    }
    NR > 1 {
        name = $6
        sub(/\.c\.obj$|\.c\.o$|\.o$/, "", name)
        group = name in max ? name : "all-others"
        sum[group] += $1
        kept += $2 + $3
        printf "%8d  %s\n", $1, name
    }
    END {
        print "--"
        for (g in sum) {
            printf "%8d  %s", sum[g], g
            if (g in max) printf " (budget %d)", max[g]
            print ""
            if (g in max && sum[g] > max[g]) { print "^ over its budget"; bad = 1 }
        }
        for (g in max) if (!(g in sum)) { print g ": in the budget but not in the library"; bad = 1 }
        if (kept > 0) { print kept " bytes of writable data: device code has no global state"; bad = 1 }
        if (NR < 2) { print "nothing measured"; bad = 1 }
        exit bad
    }'
[ "$budget" = /dev/null ] || sh "$(dirname "$0")/symbols.sh" arm-none-eabi-nm "$archive" device
