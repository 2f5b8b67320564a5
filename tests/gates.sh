# Sourced by .ci/run and tests/nightly.sh: gates, each with a time limit, and what they add up to.
#
#   gate TITLE MINUTES COMMAND [ARGUMENT...]   COMMAND may be a function that was exported
#   gates_end                                  prints the sum; its status is that of the script
#
# gates_minutes, if set, is what all of them may take together: a gate gets what is left of it at most.
# A gate passes with status 0 and is skipped with 77.  Where the last line that it prints is
# `N passed, N failed, N skipped`, these are added; any other gate counts as one.
# SPDX-License-Identifier: ISC
# shellcheck shell=bash

gates_passed=0 gates_failed=0 gates_skipped=0 gates_report=() gates_began=$EPOCHSECONDS

# Seconds for a gate of so many minutes; timeout takes 0 for no limit.
gate_seconds() {
  local seconds=$(($1 * 60)) left
  if [ -n "${gates_minutes-}" ]; then
    left=$((gates_minutes * 60 - EPOCHSECONDS + gates_began))
    [ "$left" -ge "$seconds" ] || seconds=$left
  fi
  echo $((seconds > 0 ? seconds : 1))
}

# gate_add TITLE STATUS LOG MINUTES
gate_add() {
  local title=$1 status=$2 log=$3 minutes=$4 passed=0 failed=0 skipped=0
  local counts='^([0-9]+) passed, ([0-9]+) failed(, ([0-9]+) skipped)?$'
  if [[ $(tail -n 1 "$log") =~ $counts ]]; then
    passed=${BASH_REMATCH[1]} failed=${BASH_REMATCH[2]} skipped=${BASH_REMATCH[4]:-0}
    # What counts no failure and fails all the same has failed once more, and so has what ran nothing.
    if [ "$failed" -eq 0 ] && { [ "$status" -ne 0 ] || [ $((passed + skipped)) -eq 0 ]; }; then
      failed=1
    fi
  else
    case $status in
    0) passed=1 ;;
    77) skipped=1 ;;
    *) failed=1 ;;
    esac
  fi
  [ "$status" -ne 124 ] || title+=" (out of time)"
  [ "$failed" -eq 0 ] || title="FAILED: $title"
  gates_passed=$((gates_passed + passed))
  gates_failed=$((gates_failed + failed))
  gates_skipped=$((gates_skipped + skipped))
  gates_report+=("$(printf '%6s min  %4d passed %3d failed %3d skipped  %s' \
    "$minutes" "$passed" "$failed" "$skipped" "$title")")
}

gate() {
  local title=$1 minutes=$2 log status=0 began=$EPOCHSECONDS
  shift 2
  log=$(mktemp)
  echo
  echo "==== $title"
  # In a process group of its own, which timeout ends as a whole.
  # shellcheck disable=SC2016
  timeout --kill-after=30 "$(gate_seconds "$minutes")" bash -euo pipefail -c '"$@"' gate "$@" >"$log" 2>&1 </dev/null &
  gate_process=$!
  tail -n +1 -f --pid="$gate_process" "$log" &
  local shown=$! took
  wait "$gate_process" || status=$?
  gate_process=
  wait "$shown"
  took=$((EPOCHSECONDS - began))
  took=$((took / 60)).$((took % 60 / 6))
  echo "---- $title: $took of $minutes minutes"
  gate_add "$title" "$status" "$log" "$took"
  rm "$log"
}

# Ctrl-C ends the gate that runs.
gates_stop() {
  [ -z "${gate_process-}" ] || { kill "$gate_process" 2>/dev/null && wait "$gate_process"; } || true
  exit 130
}
trap gates_stop INT TERM

gates_end() {
  echo
  printf '%s\n' "${gates_report[@]}"
  echo
  echo "$gates_passed passed, $gates_failed failed, $gates_skipped skipped"
  [ "$gates_failed" -eq 0 ] && [ "$gates_passed" -gt 0 ]
}
