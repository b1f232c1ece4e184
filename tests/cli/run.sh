#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs one case of the tool's tests in a folder of its own: CASE.cmd is a shell script, CASE.out what it must print
# (both streams), CASE.exit its exit status. The tool is called "mote" there, and nothing it makes for a while may be
# left behind. MOTE_UPDATE=1 writes what came out as what is expected. EMULATOR, if set, runs the programs.
# usage: run.sh MOTE GEN CASES SCRATCH CASE
set -u
mote=$1 gen=$2 cases=$(cd "$3" && pwd) scratch=$4/$5 case=$5
rm -rf "$scratch"
mkdir -p "$scratch/bin" "$scratch/tmp" "$scratch/work" || exit 2
# program NAME FILE
program()
{
    if [ -z "${EMULATOR-}" ]; then
        ln -s "$2" "$scratch/bin/$1"
    else
        printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$EMULATOR" "$2" >"$scratch/bin/$1"
        chmod +x "$scratch/bin/$1"
    fi
}
program mote "$mote"
program gen "$gen"
unset SOURCE_DATE_EPOCH MOTE_PASSPHRASE
LC_ALL=C TMPDIR=$scratch/tmp PATH=$scratch/bin:$PATH
export LC_ALL TMPDIR PATH
cd "$scratch/work" || exit 2

cat >"$scratch/run" <<'END'
# t COMMAND...: run it, show it and its exit status.
t()
{
    echo "\$ $*"
    "$@"
    status=$?
    [ $status = 0 ] || echo "-> $status"
}
# Figures, digests and the encoder's choices change; what is tested is the shape.
mask()
{
    sed -E '
        /^(\$|->) /b
        s/[0-9a-f]{64}/DIGEST/g
        s/[0-9a-f]{16}/ID/g
        s/-?[0-9]+\.[0-9]+(e-?[0-9]+)?/X/g
        s/([^A-Za-z0-9_.]|^)[0-9]+/\1N/g
        s/ (B|kB|MB)\)/ SIZE)/
        s/dB in .*/dB in NAME/
        s/^needs .*/needs/
        s/"(layout|numeric|coder)": "[^"]*"/"\1": W/
        s/ +/ /g
        s/ (dense|bitmask|csr|lowrank) [a-z0-9 N-]+ X X %/ CODING X X %/
        s/ $//'
}
# field NAME FILE: the first number of that name in a JSON file.
field()
{
    sed -n "s/.*\"$1\": \([0-9]*\).*/\1/p" "$2" | head -n 1
}
END
cat "$cases/$case.cmd" >>"$scratch/run"
sh -u "$scratch/run" >"$scratch/out" 2>&1 </dev/null
echo $? >"$scratch/exit"

bad=0
left=$(find "$scratch/tmp" -mindepth 1; find . -name '.mote-*')
if [ -n "$left" ]; then
    echo "left behind: $left"
    bad=1
fi
for part in out exit; do
    [ "${MOTE_UPDATE:-0}" = 0 ] || cp "$scratch/$part" "$cases/$case.$part"
    diff -u "$cases/$case.$part" "$scratch/$part" || bad=1
done
exit $bad
