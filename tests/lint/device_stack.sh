#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The deepest way through the calls of mote_device, by the call graphs that gcc leaves beside its objects
# (-fcallgraph-info=su), against a budget; also that nothing recurses and no frame is unbounded. Functions of libc and
# libgcc count as LIBRARY bytes. usage: device_stack.sh FOLDER BUDGET
set -eu
find "$1" -name '*.ci' -exec cat {} + | awk -v budget="$2" -v library=40 '
    # the file and the name of a static function, the name alone of another
    function name(title) { sub(/.*\//, "", title); return title }
    function depth(f, i, n, best, d, to) {
        if (f in known) return known[f]
        if (f in busy) { print f ": recursion"; bad = 1; return 0 }
        busy[f] = 1
        n = calls[f]
        for (i = 1; i <= n; i++) {
            to = callee[f, i]
            if (to == "__indirect_call") {
                if (!(f in leads)) { print f " calls through a pointer: where to? (" budget ")"; bad = 1; continue }
                used[f] = 1
                to = leads[f]
                if (to == "-") continue
            }
            d = depth(to)
            if (d > best) { best = d; next_of[f] = to }
        }
        delete busy[f]
        return known[f] = (f in frame ? frame[f] : library) + best
    }
    BEGIN {
        while ((getline line < budget) > 0) {
            sub(/#.*/, "", line)
            if (split(line, w, " ") == 3 && w[1] == "call") leads[w[2]] = w[3]
            else if (split(line, w, " ") == 2) max[w[1]] = w[2]
        }
    }
    /^node:/ {
        split($0, w, "\"")
        f = name(w[2])
        if (match(w[4], /[0-9]+ bytes \([a-z,]+\)/)) {
            split(substr(w[4], RSTART, RLENGTH), b, " ")
            frame[f] = b[1]
            if (b[3] != "(static)") { print f ": a frame that is not static"; bad = 1 }
        }
    }
    /^edge:/ {
        split($0, w, "\"")
        f = name(w[2])
        callee[f, ++calls[f]] = name(w[4])
    }
    END {
        for (f in max) {
            if (!(f in frame)) { print f ": in the budget but not in the library"; bad = 1; continue }
            d = depth(f)
            printf "%6d  %s (budget %d):", d, f, max[f]
            for (g = f; g in next_of; g = next_of[g]) printf " %s", next_of[g]
            print ""
            if (d > max[f]) { print "^ over its budget"; bad = 1 }
        }
        for (f in leads) if (!(f in used)) { print f ": no pointer is called there any more"; bad = 1 }
        exit bad
    }'
