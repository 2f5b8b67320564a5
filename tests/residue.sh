#!/bin/bash
# What is left of secrets in memory, however the library was compiled: builds it in several ways, and
# has each searched by tests/residue/main.c, in all suites.  The last line is
# `N passed, N failed, N skipped`.
#
#   tests/residue.sh [all]      four builds, or all of them: some minutes, or an hour
#
# RESIDUE names the folder of the builds, build-residue without it.
# SPDX-License-Identifier: ISC
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$(uname -sm)" != 'Linux x86_64' ]; then
  echo "0 passed, 0 failed, 1 skipped" # the search reads this system's registers
  exit 0
fi
. tests/debian.sh
need_packages meson ninja-build pkg-config gcc clang libc6-dev libsodium-dev libtomcrypt-dev \
  libcbor-dev libssl-dev

top=$(realpath "${RESIDUE:-build-residue}")
told=(locked_new locked_free secret_wipe secret_move hmac_key_set hkdf_extract hkdf_expand_keyed
  hkdf_expand kdf_expand_with_label kdf_derive_secret kdf_derive_tree_secret provider_random_secret
  hpke_generate_key_pair hpke_derive_key_pair sframe_key_set client_new
  provider_random psk_proposal aescpu_aesni aescpu_vaes256 aescpu_vaes512)
wraps=-Wl
for name in "${told[@]}"; do wraps+=,--wrap=$name; done

# An MLS suite with an SFrame suite, so that all seven and all eight come; and the engine for AES, where
# it is not the best that the processor has: with "none" AES is OpenSSL's or libtomcrypt's.
runs=('1 4' '2 1' '3 2' '4 6' '5 3' '6 5' '7 7' '1 8' '1 5 aesni' '3 3 aesni' '1 4 vaes256'
  '3 7 vaes256' '1 4 none' '3 1 none' '3 8 none')

# build_library COMPILER OPTIMISATION OPENSSL: in the folder that it prints.
build_library() {
  local folder=$top/$1-$2-$3
  [ -f "$folder/build.ninja" ] || CC=$1 meson setup "$folder" -Dtests=false -Dwerror=true \
    -Doptimization="$2" -Dopenssl="$3" >/dev/null
  ninja -C "$folder" lib/libe2ee-internal.a >"$folder/log" || { cat "$folder/log" >&2; return 1; }
  echo "$folder"
}

# link FOLDER COMPILER KIND: the program, in FOLDER.
#   static   of the library's objects, with symbols looked up when they are first called
#   shared   with the library as a shared object of its own, bound at the start as the real one
link() {
  local folder=$1 compiler=$2 kind=$3
  local flags=(-std=c11 -O1 -g -Wall -Wextra -Werror -D_POSIX_C_SOURCE=200809L -D_DEFAULT_SOURCE
    -I. -Ilib -Iinclude -I"$folder/include" -I"$folder")
  local libraries=(-lsodium -ltomcrypt -lcbor -pthread)
  if grep -q 'HAVE_OPENSSL 1' "$folder/config.h"; then libraries+=(-lcrypto); fi
  local sources=(tests/residue/main.c tests/residue/watch.c tests/residue/needles.c)
  if [ "$kind" = static ]; then
    "$compiler" "${flags[@]}" "$wraps" -Wl,-z,lazy "${sources[@]}" tests/residue/hooks.c \
      "$folder/lib/libe2ee-internal.a" "${libraries[@]}" -o "$folder/static"
    return
  fi
  "$compiler" "${flags[@]}" -fPIC -shared "$wraps" -Wl,-z,now \
    -Wl,--version-script,lib/e2ee.map tests/residue/hooks.c \
    -Wl,--whole-archive "$folder/lib/libe2ee-internal.a" -Wl,--no-whole-archive \
    "${libraries[@]}" -o "$folder/libresidue.so" &&
    "$compiler" "${flags[@]}" "${sources[@]}" "$folder/libresidue.so" -Wl,-rpath,"$folder" \
      -o "$folder/shared"
}

passed=0 failed=0 skipped=0

# search TITLE PROGRAM: every run.
search() {
  local title=$1 program=$2 run mls sframe aes status
  for run in "${runs[@]}"; do
    read -r mls sframe aes <<<"$run"
    status=0
    if [ -n "$aes" ]; then export RESIDUE_AES=$aes; else unset RESIDUE_AES; fi
    timeout 300 "$program" "$mls" "$sframe" >"$program.log" 2>&1 || status=$?
    case $status in
    0) passed=$((passed + 1)) ;;
    77) skipped=$((skipped + 1)) ;;
    *)
      failed=$((failed + 1))
      echo "FAILED: $title, suites $mls and $sframe${aes:+, AES by $aes}"
      cat "$program.log"
      ;;
    esac
  done
}

# try COMPILER OPTIMISATION OPENSSL KIND...
try() {
  local compiler=$1 optimisation=$2 openssl=$3 folder kind
  shift 3
  if ! folder=$(build_library "$compiler" "$optimisation" "$openssl"); then
    failed=$((failed + 1))
    return
  fi
  for kind in "$@"; do
    if ! link "$folder" "$compiler" "$kind"; then
      failed=$((failed + 1))
      continue
    fi
    search "$compiler, -O$optimisation, OpenSSL $openssl, $kind" "$folder/$kind"
  done
}

case ${1-} in
'')
  try gcc 1 enabled static
  try gcc 2 disabled shared
  try clang 3 enabled shared
  try clang s disabled static
  ;;
all)
  for compiler in gcc clang; do
    for optimisation in 1 2 3 s; do
      try $compiler $optimisation enabled static shared
      try $compiler $optimisation disabled static shared
    done
  done
  ;;
*)
  echo "usage: tests/residue.sh [all]" >&2
  exit 2
  ;;
esac

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
