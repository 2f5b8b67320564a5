# Sourced by the examples that people run first: build_examples FOLDER [TARGET...] installs what is
# missing, builds and installs the library below FOLDER, and builds the examples against what was
# installed; where that fails it ends the script.
# SPDX-License-Identifier: ISC
# shellcheck shell=bash

. tests/debian.sh

build_examples() {
  local build=$1
  need_packages meson ninja-build pkg-config gcc libc6-dev libsodium-dev libtomcrypt-dev \
    libcbor-dev libssl-dev libogg-dev python3
  echo "Building in $build ..."
  mkdir -p "$build"
  {
    { [ -f "$build/library/build.ninja" ] ||
      meson setup "$build/library" -Dtests=false --prefix "$build/installed" --libdir lib \
        --buildtype release; } &&
      meson install -C "$build/library" &&
      export PKG_CONFIG_PATH=$build/installed/lib/pkgconfig &&
      { [ -f "$build/examples/build.ninja" ] || meson setup "$build/examples" examples; } &&
      ninja -C "$build/examples" "${@:2}"
  } >"$build/build.log" 2>&1 || { cat "$build/build.log"; echo "FAIL: it does not build"; exit 1; }
}
