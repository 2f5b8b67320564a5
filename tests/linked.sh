#!/bin/bash
# Programs that use the installed library in every way it is offered: run by installed.sh, which sets
# PKG_CONFIG_PATH, and DESTDIR in PKG_CONFIG_SYSROOT_DIR.
#   static   `pkg-config --static`: with libe2ee inside, and what it is built on beside
#   cmake    find_package(), both targets, where there is a CMake
# SPDX-License-Identifier: ISC
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$PKG_CONFIG_SYSROOT_DIR

cat >"$work/call.c" <<'END'
#include <e2ee/mls.h>
#include <stdio.h>
int main(void) {
  e2ee_client *client = NULL;
  e2ee_bytes *bytes = NULL;
  int err = e2ee_client_new(2, (const uint8_t *)"alice", 5, &client);
  if (err == 0)
    err = e2ee_key_package_new(client, &bytes);
  e2ee_message_info info = {0};
  if (err == 0)
    err = e2ee_message_peek(e2ee_bytes_data(bytes), e2ee_bytes_size(bytes), &info, sizeof info);
  printf("%d, kind %u\n", err, (unsigned)info.kind);
  e2ee_bytes_free(bytes);
  e2ee_client_free(client);
  return err;
}
END

expect() {
  local said
  said=$(env -u LD_LIBRARY_PATH "$@")
  [ "$said" = '0, kind 5' ] || { echo "$1 says: $said" >&2 && exit 1; }
}

archive=$(find "$root" -name libe2ee.a)
if [ -n "$archive" ]; then
  read -ra flags <<<"$(pkg-config --static --cflags --libs libe2ee)"
  ${CC:-cc} -o "$work/static" "$work/call.c" "${flags[@]/#-le2ee/-l:libe2ee.a}"
  ! readelf -d "$work/static" | grep -q 'NEEDED.*libe2ee' ||
    { echo 'static: needs the shared library' >&2 && exit 1; }
  expect "$work/static"
  # Only what is public can clash with a program's own names.
  other=$(nm -g --defined-only "$archive" | awk 'NF == 3 && $3 !~ /^e2ee_/ { print $3 }')
  [ -z "$other" ] || { echo "libe2ee.a shows: $other" >&2 && exit 1; }
  echo 'static: fine'
fi

command -v cmake >/dev/null || { echo 'cmake: not there' && exit 0; }
mkdir "$work/cmake"
cat >"$work/cmake/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.16)
project(call C)
find_package(libe2ee 0.1 REQUIRED)
foreach(kind libe2ee static)
  if(TARGET libe2ee::${kind})
    add_executable(call-${kind} ../call.c)
    target_link_libraries(call-${kind} libe2ee::${kind})
  endif()
endforeach()
END
# Its libraries are the system's, not below $root.
config=$(dirname "$(find "$root" -name libe2eeConfig.cmake)")
if ! {
  env -u PKG_CONFIG_SYSROOT_DIR -u PKG_CONFIG_PATH cmake -S "$work/cmake" -B "$work/cmake/build" \
    -Dlibe2ee_DIR="$config" &&
    cmake --build "$work/cmake/build"
} >"$work/log" 2>&1; then
  cat "$work/log" >&2
  exit 1
fi
for program in "$work"/cmake/build/call-*; do expect "$program"; done
echo 'cmake: fine'
