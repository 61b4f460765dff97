#!/usr/bin/env bash
# Installs what building, running and testing Cartwright needs and this machine lacks (Debian, Ubuntu and their kin).
#
#   ./scripts/install-deps.sh                 compiler and libraries, Postgres, Redis, nginx, curl, jq
#   ./scripts/install-deps.sh chromium …      and further packages by name
#
# What is there already is left alone. The packages' own services are not started: the scripts run their own Postgres,
# Redis and nginx. Rust is not installed, only asked for.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
case ${1:-} in -h | --help) usage; exit ;; esac

packages=()
# want PACKAGE CHECK …: notes the package when the check fails.
want() {
  local package=$1; shift
  if ! "$@" >/dev/null 2>&1; then packages+=("$package"); fi
}
has() { command -v "$1"; }

want gcc has cc
want libc6-dev test -e /usr/include/stdlib.h
want make has make
want perl has perl
want pkg-config has pkg-config
want libssl-dev test -e /usr/include/openssl/ssl.h
want ca-certificates test -e /etc/ssl/certs/ca-certificates.crt
want postgresql postgres_bin
want redis-server has redis-server
want nginx has nginx
want curl has curl
want jq has jq
want procps has ps
want util-linux has setpriv
for package; do
  case $package in
    python3-venv) want "$package" python3 -c 'import ensurepip, venv' ;;
    *) want "$package" has "$package" ;;
  esac
done

if [ ${#packages[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || fail "Please install by your own means (no apt-get here): ${packages[*]}"
  as_root=()
  if [ "$(id -u)" != 0 ]; then
    need sudo
    as_root=(sudo)
  fi
  say "Installing ${packages[*]}"
  # Debian starts a service as soon as it is installed, unless this file says no.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $policy >/dev/null
    "${as_root[@]}" chmod 755 $policy
    trap '"${as_root[@]}" rm -f $policy' EXIT
  fi
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi

if ! command -v cargo >/dev/null; then
  say "Rust is missing. https://rustup.rs installs it: the version is in rust-toolchain.toml and comes by itself."
  exit 1
fi
