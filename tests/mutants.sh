#!/bin/bash
# Which mistakes in lib/ would the tests not notice?  Makes thousands of small ones, all in one build, and
# runs the tests against each: tests/mutants/run.py says how, `tests/mutants.sh --help` with what.
# Hours for all of them; a run that was cut short goes on where it was.
#
#   tests/mutants.sh [OPTION...]        MUTANTS names the folder of the build, build-mutants without it
# SPDX-License-Identifier: ISC
set -euo pipefail
cd "$(dirname "$0")/.."
. tests/debian.sh
need_packages meson ninja-build pkg-config gcc libc6-dev libsodium-dev libtomcrypt-dev libcbor-dev \
  libssl-dev check libjson-c-dev python3-cffi python3-venv git

folder=$(realpath -m "${MUTANTS:-build-mutants}")
python=$folder/python/bin/python3
if [ ! -x "$python" ]; then
  /usr/bin/python3 -m venv --system-site-packages "$folder/python"
  "$python" -m pip install --quiet tree-sitter==0.26.1 tree-sitter-c==0.24.2
fi
exec "$python" -B tests/mutants/run.py "$folder" "$@"
