# Sourced by the scripts that people run first: need_packages NAME... installs the Debian packages
# among NAME that are missing, as root or through sudo; where neither works, it prints the one
# command to run and ends the script.
# SPDX-License-Identifier: ISC
# shellcheck shell=bash

need_packages() {
  local missing=() name root=()
  for name in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null)" = installed ] ||
      missing+=("$name")
  done
  [ ${#missing[@]} -eq 0 ] && return

  local install=(apt-get install -y --no-install-recommends "${missing[@]}")
  if [ "$(id -u)" -ne 0 ]; then
    if ! sudo -n true 2>/dev/null; then
      echo "Packages are missing. Run this, then start again:" >&2
      echo "  sudo ${install[*]}" >&2
      exit 1
    fi
    root=(sudo -n)
  fi
  echo "Installing ${missing[*]} ..."
  if ! "${root[@]}" apt-get update -q >/dev/null ||
    ! "${root[@]}" env DEBIAN_FRONTEND=noninteractive "${install[@]}" >/dev/null; then
    echo "This failed: ${install[*]}" >&2
    exit 1
  fi
}
