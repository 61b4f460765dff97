#!/usr/bin/env bash
# Stops, kills or starts one replica of the set that ./scripts/up.sh runs; the shop goes on without it.
#
#   ./scripts/replica.sh stop 2      SIGTERM: it finishes its requests
#   ./scripts/replica.sh kill 2      SIGKILL: as if its machine went away
#   ./scripts/replica.sh start 2     on the port it had; returns when it is ready
#
#   RUN_DIR=DIR      the folder given to up.sh
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

case ${1:-} in
  -h | --help) usage; exit ;;
  stop | kill | start) ;;
  *) usage >&2; exit 2 ;;
esac
name=api${2:?which replica?}
[ -e "$run/ports/$name" ] || fail "There is no replica $2 in $run: ./scripts/up.sh starts the set."

case $1 in
  stop) stop "$name" TERM 30 ;;
  kill) stop "$name" KILL 5 ;;
  start)
    if alive "$name"; then say "$name runs already"; exit; fi
    start_replica "$name"
    ;;
esac
write_env
case $1 in stop) did=stopped ;; kill) did=killed ;; start) did=started ;; esac
say "$name $did"
