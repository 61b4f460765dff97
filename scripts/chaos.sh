#!/usr/bin/env bash
# Breaks a shop of two replicas behind nginx on purpose, for a while, and checks everything it answered (docs/torture.md).
#
#   ./scripts/chaos.sh [--minutes N] [--seed S]   a campaign of all faults; 10 minutes and a seed of its own, which it prints
#   ./scripts/chaos.sh --short                    a minute with a fixed seed, as test.sh runs it
#   ./scripts/chaos.sh --points [TIMES] [NAMES]   death at every fault point, or at NAMES (a,b), so often (100)
#   ./scripts/chaos.sh --mutants [NAMES]          planted bugs, all of which must be found
#   ./scripts/chaos.sh --soak [--minutes N]       load and no faults, an hour long, on a release build: nothing may grow, and
#                                                 no replica may take more than MOST_MEMORY MiB (64)
#   ./scripts/chaos.sh --other-binary PATH        a campaign in which a replica now and then runs another release
#
# It ends with a one-page report; exit code 1 means that an invariant was violated. History, log of faults and report lie
# in OUT (target/torture). Further arguments are passed on: see `torture run --help`. As root it also fills a disk. Postgres has a
# standby that takes its place now and then; with `--standby asynchronous`, acknowledged orders are lost, and found.
#
#   BIN=PATH TORTURE=PATH     existing binaries, instead of building them; --points and --mutants need a BIN with the
#                             feature api/faults
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

minutes='' mode=run more=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit ;;
    --minutes) minutes=${2:?--minutes wants a number}; shift 2 ;;
    --short) mode=short; shift ;;
    --soak) mode=soak; shift ;;
    --other-binary) more+=(--other-binary "$(realpath -e -- "${2:?--other-binary wants a path}")"); shift 2 ;;
    --mutants)
      mode=mutants; shift
      if [[ ${1:-} =~ ^[a-z_,]+$ ]]; then more+=(--mutants "$1"); shift; fi
      ;;
    --points)
      mode=points; shift
      if [[ ${1:-} =~ ^[0-9]+$ ]]; then more+=(--times "$1"); shift; fi
      if [[ ${1:-} =~ ^[a-z_,]+$ ]]; then more+=(--points "$1"); shift; fi
      ;;
    *) more+=("$1"); shift ;;
  esac
done

cd "$root"
need nginx redis-server
postgres_bin >/dev/null || need initdb
target=${CARGO_TARGET_DIR:-target}
if [ -z "${BIN:-}" ] || [ -z "${TORTURE:-}" ]; then
  need cargo
  features=()
  case $mode in points | mutants) features=(--features api/faults) ;; esac
  # The whole workspace, as test.sh builds it, so that dependencies are not built a second time with fewer features.
  cargo build --workspace --all-targets --locked "${features[@]}"
  TORTURE=${TORTURE:-$target/debug/torture}
fi
if [ -z "${BIN:-}" ]; then
  BIN=$target/debug/cartwright
  if [ "$mode" = soak ]; then
    # As bench.sh builds it.
    cargo build --release --locked -p api -p bench
    BIN=$target/release/cartwright
  elif [ ${#features[@]} -gt 0 ]; then
    # Aside, and the one with fault points is not left where others look for a binary.
    mkdir -p "$target/torture"
    mv "$BIN" "$target/torture/cartwright-with-faults"
    BIN=$target/torture/cartwright-with-faults
  fi
fi
export BIN
common=(--out "${OUT:-$target/torture}")

case $mode in
  run)
    if [ "$(id -u)" = 0 ]; then common+=(--disk-full); fi
    [[ " ${more[*]-} " == *" --standby"[\ =]* ]] || common+=(--standby synchronous)
    exec "$TORTURE" run --secs $((${minutes:-10} * 60)) "${common[@]}" "${more[@]}"
    ;;
  soak)
    exec "$TORTURE" run --secs $((${minutes:-60} * 60)) --faults none --most-memory "${MOST_MEMORY:-64}" \
      "${common[@]}" "${more[@]}"
    ;;
  short)
    # A machine that runs all tests is busy, so the rate is low; the faults are the ones that have found most.
    exec "$TORTURE" run --seed 7 --secs 45 --rate 20 --standby synchronous \
      --faults kill9,stop,pg_kill9,redis_stop,term,redis_kill,pg_failover "${common[@]}" "${more[@]}"
    ;;
  points) exec "$TORTURE" points "${common[@]}" "${more[@]}" ;;
  mutants) exec "$TORTURE" mutants "${common[@]}" "${more[@]}" ;;
esac
