#!/usr/bin/env bash
# Installs those packages of docker/packages.txt that are missing.
#
#   docker/install-packages.sh [--list] build|run|test|bench|prove|schemathesis
#
# Each section includes the ones before it; bench does not include test. --list prints all names of the section and
# installs nothing (the Dockerfile uses that). When all is there it does nothing, in well under a second.
#
# No service is left running. Debian starts a server when it installs it, and at each boot from then on; Vitrine
# starts private ones of its own and wants neither. So, while this script installs,
#  - a policy-rc.d that says no keeps packages from starting their services (only if the machine has none of its own),
#  - Postgres is told not to make its default cluster, so that its service has nothing to run,
#  - the services of packages that this script has just installed are disabled. One that was there before is not touched.
set -euo pipefail

folder=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
list=${VITRINE_PACKAGES:-$folder/packages.txt}

fail() {
  printf 'install-packages: %s\n' "$*" >&2
  exit 1
}

sections_of() {
  case $1 in
    build) echo "build" ;;
    run) echo "build run" ;;
    test) echo "build run test" ;;
    bench) echo "build run bench" ;;
    prove) echo "build run prove" ;;
    schemathesis) echo "build run schemathesis" ;;
    *) fail "unknown section '$1': use build, run, test, bench, prove or schemathesis" ;;
  esac
}

# Lines "PACKAGE TEST" of the wanted sections.
lines_of() {
  local wanted section="" line
  wanted=" $(sections_of "$1") "
  while IFS= read -r line || [[ -n $line ]]; do
    line=${line%%#*}
    read -r line <<<"$line" || true
    if [[ $line == \[*\] ]]; then
      section=${line:1:-1}
    elif [[ -n $line && $wanted == *" $section "* ]]; then
      printf '%s\n' "$line"
    fi
  done <"$list"
}

is_there() {
  local kind=${1%%:*} what=${1#*:}
  case $kind in
    command) command -v "$what" >/dev/null 2>&1 || [[ -x /usr/sbin/$what ]] ;;
    file) compgen -G "$what" >/dev/null ;;
    package) dpkg-query -W -f '${Status}' "$what" 2>/dev/null | grep -q 'ok installed' ;;
    *) fail "$list: unknown test '$1'" ;;
  esac
}

missing_of() {
  local package test
  lines_of "$1" | while read -r package test; do
    is_there "$test" || printf '%s\n' "$package"
  done
}

# How to become root: nothing, sudo, or empty-handed.
become_root() {
  if [[ $EUID -eq 0 ]]; then
    echo "env"
  elif command -v sudo >/dev/null && { [[ -t 0 ]] || sudo -n true 2>/dev/null; }; then
    echo "sudo env"
  fi
}

explain() {
  printf 'install-packages: missing: %s\n' "$*" >&2
  if ! command -v apt-get >/dev/null; then
    printf '  These are the names of Debian packages, and this system has no apt-get: install their like by other means.\n' >&2
  else
    printf '  Run this as root, then try again:\n    apt-get update && apt-get install -y --no-install-recommends %s\n' "$*" >&2
  fi
  exit 1
}

# Runs the installation with services held back. Everything it changes outside of packages is undone at the end.
install() {
  local root=$1
  shift
  $root bash -euo pipefail -s -- "$@" <<'INSTALL'
policy=/usr/sbin/policy-rc.d
cluster=/etc/postgresql-common/createcluster.d/vitrine.conf
undo() {
  if [[ -n ${made_policy:-} ]]; then rm -f "$policy"; fi
  if [[ -n ${made_cluster:-} ]]; then rm -f "$cluster"; fi
}
trap undo EXIT
if [[ ! -e $policy ]]; then
  made_policy=yes
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
fi
if [[ ! -e $cluster ]]; then
  made_cluster=yes
  mkdir -p "${cluster%/*}"
  printf 'create_main_cluster = false\n' >"$cluster"
fi
export DEBIAN_FRONTEND=noninteractive
units() { systemctl list-unit-files --type=service --state=enabled --no-legend 2>/dev/null | awk '{print $1}' | sort; }
before=$(units || true)
apt-get update -q
apt-get install -y -q --no-install-recommends "$@"
after=$(units || true)
comm -13 <(printf '%s\n' "$before") <(printf '%s\n' "$after") | while read -r unit; do
  case $unit in
    postgresql*|redis*|nginx*|varnish*|trafficserver*|haproxy*) systemctl disable -q "$unit" || true ;;
  esac
done
INSTALL
}

main() {
  local only_list=""
  if [[ ${1:-} == --list ]]; then
    only_list=yes
    shift
  fi
  [[ $# -eq 1 ]] || fail "usage: install-packages.sh [--list] build|run|test|bench|prove"
  sections_of "$1" >/dev/null
  if [[ -n $only_list ]]; then
    lines_of "$1" | while read -r package _; do printf '%s\n' "$package"; done
    return
  fi
  local missing root
  mapfile -t missing < <(missing_of "$1")
  [[ ${#missing[@]} -gt 0 ]] || return 0
  root=$(become_root)
  if [[ -z $root ]] || ! command -v apt-get >/dev/null; then
    explain "${missing[@]}"
  fi
  printf 'install-packages: installing %s\n' "${missing[*]}"
  install "$root" "${missing[@]}"
  mapfile -t missing < <(missing_of "$1")
  [[ ${#missing[@]} -eq 0 ]] || explain "${missing[@]}"
}

main "$@"
