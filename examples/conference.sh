#!/bin/bash
# A conference of seven on real media, through a server that cannot read it: installs what is
# missing, builds and installs the library into build-conference/, builds the examples against what
# was installed, plays the scene, and judges it by the files it left behind.  The last line is the
# verdict; the status is 0 only if everything held.
#
#   examples/conference.sh [SEED]      which packets are lost follows from SEED
# SPDX-License-Identifier: ISC
set -euo pipefail
cd "$(dirname "$0")/.."
. examples/build.sh

seed=${1:-9605}
build=$PWD/build-conference
run=$build/run

# The library as its user gets it, then the examples on that alone.
build_examples "$build"

# ---- The stage

rm -rf "$run"
mkdir -p "$run"
declare -A process input
began=$(date +%s%N)

# Whatever ends this script ends the processes of the scene.
clean_up() {
  trap '' INT TERM
  jobs -p | xargs -r kill -9 2>/dev/null || true
  rm -f "$run"/*.in
  wait 2>/dev/null || true
}
trap clean_up EXIT
trap 'echo "FAIL: interrupted"; exit 130' INT TERM

say() {
  printf '[%4.1f s] %s\n' "$((($(date +%s%N) - began) / 100000000))e-1" "$*"
}

# until_true COMMAND...: wait for the command to succeed, but not for ever.
until_true() {
  local tries=500
  until "$@" 2>/dev/null; do
    if [ $((tries -= 1)) -eq 0 ]; then
      for log in "$run"/*.log; do tail -n 4 "$log"; done
      echo "FAIL: the scene is stuck, waiting for: $*"
      exit 1
    fi
    sleep 0.02
  done
}

# await FILE TEXT: until the text is in the file.
await() {
  until_true grep -qF -- "$2" "$1"
}

start_relay() {
  "$build/examples/relay" "$run/capture" "$seed" >"$run/relay.log" 2>&1 &
  process[relay]=$!
  await "$run/relay.log" "port "
  port=$(sed -n 's/^port //p' "$run/relay.log")
}

# start NAME: a participant, who reads its commands from a pipe.
start() {
  local fd
  mkdir -p "$run/$1"
  [ -p "$run/$1.in" ] || mkfifo "$run/$1.in"
  exec {fd}<>"$run/$1.in"
  input[$1]=$fd
  "$build/examples/participant" "$1" "$port" "examples/media/$1" "$run/$1" \
    <"$run/$1.in" >>"$run/$1.log" 2>&1 &
  process[$1]=$!
}

ended() {
  ! kill -0 "${process[$1]}"
}

# await_end NAME: until the process has ended well.
await_end() {
  until_true ended "$1"
  wait "${process[$1]}" || { echo "FAIL: $1 ended badly" && tail -n 4 "$run/$1.log" && exit 1; }
}

tell() {
  echo "${*:2}" >&"${input[$1]}"
}

# epoch N VERB NAME...: wait until the group is there, and note what brought it there.
epoch=0
reached() {
  epoch=$1
  await "$run/relay.log" "GroupInfo of epoch $epoch"
  echo "$*" >>"$run/scene.txt"
}

# ---- The scene

start_relay
say "Four start: alice, bob, carol and dave."
for name in alice bob carol dave; do start $name; done
for name in alice bob carol dave; do await "$run/relay.log" "$name is in the room"; done
tell alice create
reached 0 create alice
tell alice invite bob carol dave
reached 1 invite bob carol dave
sleep 2

say "Eve is in the room and hears nothing but noise."
start eve
sleep 1.5
say "Bob invites eve while media flow."
tell bob invite eve
reached 2 invite eve
sleep 2

say "Frank comes in by external commit."
start frank
sleep 1.5
tell frank join
reached 3 join frank
sleep 2

say "Dave invites grace."
start grace
sleep 1
tell dave invite grace
reached 4 invite grace
sleep 2.5
say "Alice removes grace, who goes on listening to every packet."
tell alice remove grace
reached 5 remove grace
sleep 2.5

say "Carol commits, and is killed before she learns that it was accepted."
tell carol renew
await "$run/relay.log" "epoch 6 by carol"
{ kill -9 "${process[carol]}" && wait "${process[carol]}"; } 2>/dev/null || true
echo "6 kill carol" >>"$run/scene.txt"
await "$run/relay.log" "carol is gone"
sleep 0.7
say "Bob commits while she is away."
tell bob renew
reached 7 renew bob
sleep 1
say "Carol comes back from her saved state."
start carol
await "$run/carol/epochs.txt" "7 "
sleep 2

say "Alice and dave commit at the same moment: one loses, and tries again."
for _ in 1 2 3 4 5; do
  tell alice renew
  tell dave renew
  reached $((epoch + 2)) race alice dave
  grep -q "^refused" "$run/relay.log" && break
done
sleep 2

say "Bob leaves."
tell bob leave
reached $((epoch + 1)) leave bob
await_end bob
sleep 1.5

say "The call ends."
for name in alice carol dave eve frank grace; do tell $name mute; done
sleep 0.8
for name in alice carol dave eve frank grace; do tell $name quit; done
for name in alice carol dave eve frank grace; do await_end $name; done
kill "${process[relay]}"
await_end relay

echo "What each one heard can be played: build-conference/run/NAME/SENDER.opus and .ivf"
python3 -B examples/verify.py examples/media "$run"
