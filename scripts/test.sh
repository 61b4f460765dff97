#!/usr/bin/env bash
# Runs every check there is: what .ci/run runs, and what to run before pushing.
#
#   ./scripts/test.sh            installs what is missing, then format, lints, tests, the running set, compose
#
# Nothing of yours is touched: servers, ports and data are the run's own and gone at the end.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
case ${1:-} in -h | --help) usage; exit ;; esac
cd "$root"

export RUST_BACKTRACE=1 CARGO_TERM_PROGRESS_WHEN=never
# Incremental compilation only pays where the same folder is built again.
if [ -n "${CI:-}" ]; then export CARGO_INCREMENTAL=0; fi

work=$(mktemp -d)
chmod 755 "$work" # the user postgres looks into it
export RUN_DIR=$work/run
started_alone=
clean() {
  local code=$?
  if [ -n "$started_alone" ]; then
    kill -s TERM -- "-$started_alone" 2>/dev/null || true
    wait "$started_alone" || true
  fi
  if [ $code != 0 ] && [ -e "$RUN_DIR/logs" ]; then tail -n 15 "$RUN_DIR"/logs/*.log >&2 || true; fi
  ./scripts/down.sh --purge >/dev/null || true
  rm -rf "$work"
  summary
  [ $code = 0 ] || say "FAILED in: $phase"
  exit $code
}
trap clean EXIT

phase=
times=()
since=$SECONDS
# begin NAME: ends the phase before and starts another.
begin() {
  if [ -n "$phase" ]; then times+=("$(printf '%5d s  %s' $((SECONDS - since)) "$phase")"); fi
  phase=$1 since=$SECONDS
  [ -z "$phase" ] || printf '\n=== %s\n' "$phase"
}
summary() {
  local last=$phase
  begin ''
  phase=$last
  printf '\n'
  printf '%s\n' "${times[@]}"
}

begin "dependencies"
./scripts/install-deps.sh shellcheck

begin "format and scripts"
cargo fmt --all --check
shellcheck -x scripts/*.sh .ci/run

begin "clippy"
cargo clippy --workspace --all-targets --locked -- -D warnings

begin "build"
# Everything at once: the programs alone would have their dependencies built again, with fewer features.
cargo build --workspace --all-targets --locked

begin "tests"
cargo test --workspace --locked 2>&1 | tee "$work/tests.log"

begin "two replicas behind nginx, without containers"
BIN=$(realpath "${CARGO_TARGET_DIR:-target}/debug/cartwright")
smoke_bin=$(realpath "${CARGO_TARGET_DIR:-target}/debug/client_smoke")
export BIN
PORT=$(free_port) ./scripts/up.sh
BASE_URL=$(sed -n 's/^BASE_URL=//p' "$RUN_DIR/env")
export BASE_URL
./scripts/readme-check.sh
./scripts/smoke.sh
./scripts/smoke.sh | tail -n 1
./scripts/replica.sh stop 2
./scripts/smoke.sh | tail -n 1
./scripts/replica.sh start 2
./scripts/replica.sh kill 1
./scripts/smoke.sh | tail -n 1
./scripts/replica.sh start 1
"$smoke_bin" --base-url "$BASE_URL"
# Whatever a replica is doing when it is told to stop, also connecting: it ends with success.
for _ in {1..10}; do
  port=$(free_port)
  CARTWRIGHT__ACCESS=open CARTWRIGHT__LOG__LEVEL=error CARTWRIGHT__METRICS__BIND='' \
    CARTWRIGHT__HTTP__BIND=127.0.0.1:$port CARTWRIGHT__DATABASE__URL=$(sed -n 's/^DATABASE_URL=//p' "$RUN_DIR/env") \
    "$BIN" serve &
  replica=$!
  until curl -fsS -m 2 -o /dev/null "http://127.0.0.1:$port/readyz" 2>/dev/null; do kill -0 $replica; done
  kill -s TERM $replica
  wait $replica || fail "a replica that was stopped right after its start ended with $?"
done
begin "made-up requests against the OpenAPI document"
./scripts/schema-check.sh 60
./scripts/down.sh

begin "faults"
if grep -qa 'CARTWRIGHT_FAULTS' "$BIN"; then fail "the default build has fault points in it"; fi
TORTURE=$(realpath "${CARGO_TARGET_DIR:-target}/debug/torture") OUT=$work/torture ./scripts/chaos.sh --short

begin "a week of real invoices, twice"
REPLAY_BIN=$(realpath "${CARGO_TARGET_DIR:-target}/debug/replay") ./scripts/replay-check.sh 2011-10-03 2011-10-07

begin "one process with its own Postgres"
port=$(free_port)
export DATA_DIR=$work/data
# start_alone: start.sh as a process group of its own, the way a terminal would run it.
start_alone() {
  PORT=$port setsid ./scripts/start.sh >>"$work/start.log" 2>&1 </dev/null &
  started_alone=$!
  for _ in {1..600}; do
    if curl -fsS -m 2 -o /dev/null "http://127.0.0.1:$port/readyz" 2>/dev/null; then return; fi
    kill -0 "$started_alone" 2>/dev/null || break
    sleep 0.1
  done
  tail -n 40 "$work/start.log" >&2
  fail "start.sh did not come up"
}
# interrupt: Ctrl-C reaches the whole group; afterwards nobody of it may be left.
interrupt() {
  local group=$started_alone
  kill -s INT -- "-$group"
  wait "$group" || { tail -n 40 "$work/start.log" >&2; fail "it did not end with success"; }
  started_alone=
  for _ in {1..20}; do
    kill -0 -- "-$group" 2>/dev/null || break
    sleep 0.1
  done
  if kill -0 -- "-$group" 2>/dev/null; then fail "it left processes behind"; fi
  [ -z "$(find "$DATA_DIR" -name postmaster.pid)" ] || fail "its Postgres was not stopped"
}
start_alone
./scripts/smoke.sh "http://127.0.0.1:$port" | tail -n 1
orders=$(curl -fsS "http://127.0.0.1:$port/api/orders?userId=2" | jq '.orders | length')
interrupt
start_alone
[ "$orders" -ge 2 ] || fail "the smoke run left no orders"
[ "$(curl -fsS "http://127.0.0.1:$port/api/orders?userId=2" | jq '.orders | length')" = "$orders" ] || fail "the data did not stay"
interrupt

begin "compose"
./scripts/compose-check.sh

begin "done"
say "All checks passed ✅"
sed -n 's/^test result: .* \([0-9]*\) passed; \([0-9]*\) failed.*/\1 \2/p' "$work/tests.log" |
  awk '{ passed += $1; failed += $2 } END { printf "%d passed, %d failed\n", passed, failed }'
