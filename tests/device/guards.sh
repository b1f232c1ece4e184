#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Runs guards.c in each of its modes: what must not happen has to end the image, with a status for it.
# usage: guards.sh FOLDER QEMU... IMAGE
set -eu
folder=$1
shift
mkdir -p "$folder"
cd "$folder"
failed=0
# mode and the statuses that it may have: 100 is PORT_EXIT_FAULT, 101 PORT_EXIT_LATE; 2, no memory to be written there
for row in "right 0" "hang 101" "fault 100" "stack 100 1" "behind 1" "end 1" "code 1 2 100"; do
    printf '%.1s' "$row" >mode
    got=0
    "$@" || got=$?
    case " ${row#* } " in
    *" $got "*) ;;
    *)
        echo "${row%% *}: status $got" >&2
        failed=1
        ;;
    esac
done
exit $failed
