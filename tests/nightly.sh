#!/bin/bash
# What takes longer than .ci/run may: run it before something large is called done, and write its last
# line into docs/nightly.md.  About ten hours on two cores.
#
#   tests/nightly.sh [GATE...]        only the gates whose titles begin so
# SPDX-License-Identifier: ISC
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/debian.sh
. tests/gates.sh
need_packages git

wanted=("$@")
# run TITLE MINUTES COMMAND...: a gate, unless others were asked for.
run() {
  local begin
  for begin in "${wanted[@]-$1}"; do
    if [[ $1 == "$begin"* ]]; then
      gate "$@"
      return
    fi
  done
}

model() {
  [ -f build/build.ninja ] || meson setup build
  ninja -C build tests/model/e2ee-model
  cd build
  tests/model/e2ee-model --seed 2000 --seeds 300 --steps 1500 --members 16
}

webinar() {
  examples/webinar.sh --members 10000 --minutes 10 --committers 16
}

export -f model webinar
export CK_TIMEOUT_MULTIPLIER=30

run 'interop, all peers' 60 tests/interop.sh all
run 'residue, all builds' 120 tests/residue.sh all
run 'coverage' 40 tests/coverage.sh
run 'model, 300 seeds' 60 model
run 'webinar of 10,000' 30 webinar
run 'GStreamer' 10 tests/gstreamer.sh
run 'fuzzing, half an hour a target' 260 fuzz/run.sh 1800
run 'mutants' 300 tests/mutants.sh
gates_end
