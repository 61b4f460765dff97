#!/usr/bin/env bash
# Replays real invoices against two replicas behind nginx, twice, and demands that every penny adds up both times.
#
#   ./scripts/replay-check.sh [FROM TO]      days such as 2011-10-01 2011-10-31, the default
#
# The invoices are those of ../shared/data/online-retail; where they are not there, it says so and passes. Runs a set of its own
# and removes it. BIN and REPLAY_BIN name existing binaries instead of building them.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
case ${1:-} in -h | --help) usage; exit ;; esac
cd "$root"

from=${1:-2011-10-01} to=${2:-2011-10-31}
invoices=$(compgen -G '../shared/data/online-retail/*.csv.gz' | head -1) || true
if [ -z "$invoices" ]; then
  say "SKIPPED replay-check: ../shared/data/online-retail is not here."
  exit
fi
need python3 zcat
if [ -z "${BIN:-}" ] || [ -z "${REPLAY_BIN:-}" ]; then
  cargo build --release -p api -p client
  BIN=${CARGO_TARGET_DIR:-$root/target}/release/cartwright
  REPLAY_BIN=${CARGO_TARGET_DIR:-$root/target}/release/replay
fi
export BIN

work=$(mktemp -d)
chmod 755 "$work" # the user postgres looks into it
export RUN_DIR=$work/run
run=$RUN_DIR
clean() {
  local code=$?
  if [ $code != 0 ] && [ -e "$run/logs" ]; then tail -n 15 "$run"/logs/api*.log >&2 || true; fi
  ./scripts/down.sh --purge >/dev/null || true
  rm -rf "$work"
  exit $code
}
trap clean EXIT

PORT=$(free_port) ./scripts/up.sh
# shellcheck source=/dev/null
. "$run/env"
./scripts/online-retail-to-csv.py "$invoices" >"$work/products.csv" 2>"$work/products.log"
CARTWRIGHT__DATABASE__URL=$DATABASE_URL CARTWRIGHT__ACCESS=open "$BIN" import products "$work/products.csv"
zcat "$invoices" >"$work/invoices.csv"
for _ in first second; do
  STAFF_EMAIL=$ADMIN_EMAIL STAFF_PASSWORD=$ADMIN_PASSWORD "$REPLAY_BIN" --base-url "$BASE_URL" \
    --file "$work/invoices.csv" --from "$from" --to "$to"
done
for n in 1 2; do
  pid=$(sed -n "s/^API${n}_PID=//p" "$run/env")
  say "api$n: $(awk '/^VmRSS|^VmHWM/ { printf "%s %d MiB ", $1, $2 / 1024 }' "/proc/$pid/status")"
done
