#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs every libFuzzer target of a build for a time and prints how many inputs each executed. New inputs collect below
# the build folder; a crash leaves its input there and ends with a failure. usage: run.sh BUILD SECONDS [TARGET...]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$1/fuzz seconds=$2
shift 2
bad=0 ran=0
summary=$build/summary.txt
: >"$summary"
while read -r name folders; do
    case " $* " in "  " | *" $name "*) ;; *) continue ;; esac
    mkdir -p "$build/found/$name"
    log=$build/$name.log
    dict=
    [ ! -f "$here/mote.dict" ] || dict=-dict=$here/mote.dict
    echo "fuzz_$name: $seconds s"
    if "$build/fuzz_$name" -max_total_time="$seconds" -timeout=25 -rss_limit_mb=2560 -print_final_stats=1 $dict \
        -artifact_prefix="$build/crash-$name-" "$build/found/$name" $folders </dev/null >"$log" 2>&1; then
        result=clean
    else
        result="FAILED, see $log"
        tail -n 40 "$log"
        bad=1
    fi
    runs=$(awk '/^stat::number_of_executed_units:/ { print $2 }' "$log")
    cov=$(awk '/ cov: / { for (i = 1; i < NF; i++) if ($i == "cov:") c = $(i + 1) } END { print c }' "$log")
    printf '%-14s %12s executions  %6s edges  %s\n' "$name" "${runs:-?}" "${cov:-?}" "$result" | tee -a "$summary"
    ran=$((ran + 1))
done <"$build/targets.txt"
[ $ran -gt 0 ] || { echo "no fuzz target ran" >&2; exit 1; }
echo "-- $ran targets, $seconds s each"
cat "$summary"
exit $bad
