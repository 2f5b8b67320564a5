#!/bin/bash
# A webinar of ten thousand, simulated: installs what is missing, builds and installs the library
# into build-webinar/, builds the example against what was installed, plays ten minutes in which
# every second somebody joins or leaves while ten people speak, and prints what a phone and the
# server spend.  The last line is the verdict; the status is 0 only if everything held.
#
#   examples/webinar.sh [--members N] [--minutes M] [--committers C]
#
# The defaults are 10000, 10 and 64; that takes a minute or two, and half a gigabyte.  The drawing and
# all figures are in build-webinar/.
# SPDX-License-Identifier: ISC
set -euo pipefail
cd "$(dirname "$0")/.."
. examples/build.sh

members=10000 minutes=10 committers=64
while [ $# -gt 0 ]; do
  case $1 in
    --members) members=${2:?} ;;
    --minutes) minutes=${2:?} ;;
    --committers) committers=${2:?} ;;
    *) sed -n 's/^#   //p' "$0" >&2; exit 2 ;;
  esac
  shift 2
done

build=$PWD/build-webinar
process=
# Whatever ends this script ends the simulation, and leaves no half results.
clean_up() {
  trap '' INT TERM
  [ -z "$process" ] || { kill -9 "$process" && wait "$process"; } 2>/dev/null || true
  rm -f "$build/running.json"
}
trap clean_up EXIT
trap 'echo; echo "FAIL: interrupted"; exit 130' INT TERM

build_examples "$build" webinar

echo "Simulating ..."
"$build/examples/webinar" "$members" "$minutes" "$committers" >"$build/running.json" &
process=$!
wait "$process" || { process=; echo "FAIL: the simulation ended badly"; exit 1; }
process=
mv "$build/running.json" "$build/webinar.json"
python3 -B examples/webinar_plot.py "$build/webinar.json" "$build/webinar.svg"
