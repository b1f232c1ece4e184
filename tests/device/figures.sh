#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The table of README.md: packages of the example network on a Cortex-M4 under QEMU, a row of figures.txt each. Fails if
# a row is above its limits. With a README as the last argument the table between its marks is replaced.
# usage: figures.sh ROOT MOTE FASHION_EXPECT BOARD_BUILD [README.md]
set -eu
root=$1 mote=$2 expect=$3 image=$4/figures library=$4/mote/libmote_device.a readme=${5:-}
work=$PWD/figures
mkdir -p "$work"
table=$work/table.md
: >"$work/bad"
: >"$work/common"
{
    echo '| package | bytes | native | dense | native, with hashing | workspace | beyond a chunk |'
    echo '|---|---|---|---|---|---|---|'
    sed 's/#.*//' "$root/tests/device/figures.txt" | while IFS='|' read -r label options most most_work; do
        [ -n "$label" ] || continue
        label=$(echo $label)
        # shellcheck disable=SC2086
        sh "$root/tests/device/fashion.sh" "$root" "$mote" "$expect" "$work/run" 1 $options >"$work/log" 2>&1 ||
            { cat "$work/log" >&2; exit 1; }
        line=$(cd "$work/run" && qemu-system-arm -M mps2-an386 -display none -monitor none -serial none \
            -icount shift=0 -semihosting-config enable=on,target=native -kernel "$image" 2>&1 | sed -n 's/^figures //p')
        # shellcheck disable=SC2086
        set -- $line
        [ $# = 9 ] || { echo "$label: no figures" >&2; exit 1; }
        chunk=$("$mote" info "$work/run/net.mote" | sed -n 's/.*the longest of \([0-9]*\) bytes/\1/p')
        bytes=$(wc -c <"$work/run/net.mote")
        echo "$label $1 $2 $3 $4 $5 $chunk" | awk -v label="$label" -v bytes="$bytes" -v n="$1" -v a="$2" -v d="$3" \
            -v w="$5" -v chunk="$chunk" '{ printf "| %s | %d | %.1f | %.1f | %.1f | %d | %d |\n", label, bytes, n / 10,
            d / 10, a / 10, w, w - chunk }'
        echo "$6 $7 $8 $9" >>"$work/common"
        [ "$1" -le "$most" ] || echo "$label: $1 tenths, at most $most" >>"$work/bad"
        [ $(($5 - chunk)) -le "$most_work" ] || echo "$label: $(($5 - chunk)) bytes, at most $most_work" >>"$work/bad"
    done
    awk '{ if (max3 < $3) max3 = $3; if (max4 < $4) max4 = $4 } END { print $1, $2, max3, max4 }' "$work/common" >"$work/last"
    read -r hash signature stack stack_alone <"$work/last"
    flash() { arm-none-eabi-size -B "$library" | awk -v leave="$1" '
        NR > 1 { name = $6; sub(/\.c\.obj$/, "", name); if (index(" " leave " ", " " name " ") == 0) sum += $1 }
        END { print sum }'; }
    people="registry_name status_name rans_enc signatures_whole"
    echo
    echo '| flash | bytes |'
    echo '|---|---|'
    arm-none-eabi-size -B "$library" | awk -v leave="$people" '
        BEGIN {
            n = split("manifest, entries, reader:rd fields utf8 registry manifest entry entry_verify;" \
                "signatures, tree, digests, policy:prelude signatures tree digest policy;" \
                "loader:loader;resume and reverify:resume;heads:head;" \
                "tables, shapes:tables shapes;segments, sparse layouts, native forms:seg dest;" \
                "planes, rANS:planes kern_ref;numbers, float32 output:numbers casts;trellis:trellis walk_ref;" \
                "SHA-256:sha256_small", part, ";")
            for (i = 1; i <= n; i++) {
                split(part[i], of, ":")
                label[i] = of[1]
                k = split(of[2], name, " ")
                while (k) group[name[k--]] = i
            }
        }
        NR > 1 {
            sub(/\.c\.obj$/, "", $6)
            if (index(" " leave " ", " " $6 " ")) next
            if (!($6 in group)) { print $6 " is in no part" > "/dev/stderr"; exit 1 }
            sum[group[$6]] += $1
        }
        END { for (i = 1; i <= n; i++) print "| " label[i] " | " sum[i] " |" }'
    echo
    echo "Flash: $(flash "$people sha256_small") bytes, with SHA-256 $(flash "$people"); libsodium's Ed25519 not counted."
    echo "Stack: $stack_alone bytes, with Ed25519 $stack. Hashing a KiB: $hash instructions; a signature: $signature."
} >"$table"
cat "$table"
if [ -s "$work/bad" ]; then
    cat "$work/bad" >&2
    exit 1
fi
[ -z "$readme" ] || {
    awk -v table="$table" '
        /<!-- device figures -->/ { print; while ((getline line < table) > 0) print line; skip = 1 }
        /<!-- end of device figures -->/ { skip = 0 }
        !skip || /<!-- end/ { if ($0 !~ /<!-- device figures -->/) print }' "$readme" >"$work/readme"
    cp "$work/readme" "$readme"
}
