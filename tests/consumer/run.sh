#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs into a prefix, moves the prefix, and builds the two programs here against it through find_package and
# through pkg-config. usage: run.sh install|find_package|pkg_config BUILD SCRATCH    (CMAKE, CC, CFLAGS, LIBDIR by environment)
set -eu
step=$1 build=$2 scratch=$3
here=$(cd "$(dirname "$0")" && pwd)
root=$here/../..
prefix=$scratch/moved
export CC CFLAGS

case $step in
install)
    rm -rf "$scratch"
    "$CMAKE" --install "$build" --prefix "$scratch/first"
    mv "$scratch/first" "$prefix"
    (cd "$root" && ls format/include/mote codec/include/mote | grep '\.h$' | sort) >"$scratch/want"
    (cd "$prefix/include/mote" && ls | sort) | diff "$scratch/want" -
    "$prefix/bin/mote" --version
    ;;
find_package)
    for device in OFF ON; do
        "$CMAKE" -S "$here" -B "$scratch/find_$device" -DDEVICE=$device -DCMAKE_PREFIX_PATH="$prefix"
        "$CMAKE" --build "$scratch/find_$device"
        "$scratch/find_$device/consumer"
    done
    ;;
pkg_config)
    PKG_CONFIG_PATH=$prefix/$LIBDIR/pkgconfig
    export PKG_CONFIG_PATH
    $CC $CFLAGS -o "$scratch/pc_device" "$here/device.c" $(pkg-config --cflags --libs mote-device)
    "$scratch/pc_device"
    $CC $CFLAGS -o "$scratch/pc_host" "$here/host.c" $(pkg-config --cflags --libs mote)
    "$scratch/pc_host"
    [ "$(pkg-config --modversion mote)" = "$("$scratch/pc_host")" ]
    ;;
*) exit 2 ;;
esac
