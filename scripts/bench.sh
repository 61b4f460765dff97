#!/usr/bin/env bash
# Measures every hot path beside its limit, in one run on this machine, and writes docs/performance.md and .json.
#
#   ./scripts/bench.sh                   all rows; about fifteen minutes
#   ./scripts/bench.sh --quick           one short round of each: shows that the harness works, not what is fast; a minute or two.
#                                        Prints the table and writes no file
#   ./scripts/bench.sh --only PATTERN    only the groups whose names match, of: reads uncached orders hot latency overload
#                                        replica growth. Prints the table and writes no file
#   --growth small|large|none            small (the default): up to 100,000 products and 1,000,000 orders. large: also 1,000,000 and
#                                        10,000,000, which takes some 30 GB of disk in RUN_DIR and an hour
#   --rounds N, --seconds N              how often each run is repeated, in turns with its limit (5), and how long each lasts (4)
#   --out FILE                           another file than docs/performance.md; its JSON goes beside it
#
#   BIN, BENCH_BIN   existing release builds of cartwright and bench, instead of building them
#   RUN_DIR          where Postgres keeps its data meanwhile: a folder that the user postgres can reach (a temporary one)
#
# All servers are its own, on free ports of 127.0.0.1, and are stopped at the end. Leave the machine alone meanwhile.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
cd "$root"

rounds=5 seconds=4 growth=small only=. out=docs/performance.md quick=''
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit ;;
    --quick) quick=yes rounds=1 seconds=1 growth=quick ;;
    --only) only=${2:?which groups?}; shift ;;
    --growth) growth=${2:?small, large or none}; shift ;;
    --rounds) rounds=${2:?how many?}; shift ;;
    --seconds) seconds=${2:?how many?}; shift ;;
    --out) out=${2:?which file?}; shift ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
case $growth in
  none) growth_sizes=() ;;
  quick) growth_sizes=(1000:1000 4000:4000) ;;
  small) growth_sizes=(1000:10000 100000:1000000) ;;
  large) growth_sizes=(1000:10000 100000:1000000 1000000:10000000) ;;
  *) usage >&2; exit 2 ;;
esac
need jq curl nginx redis-server psql pgrep
command -v wrk >/dev/null || ./scripts/install-deps.sh wrk
PATH=$(postgres_bin || need initdb):$PATH
ulimit -n 8192 2>/dev/null || true

work=$(mktemp -d)
chmod 755 "$work" # the user postgres looks into it
export RUN_DIR=${RUN_DIR:-$work/run}
run=$RUN_DIR
# shellcheck source=scripts/bench/measure.sh
. "$root/scripts/bench/measure.sh"
# shellcheck source=scripts/bench/shop.sh
. "$root/scripts/bench/shop.sh"
# shellcheck source=scripts/bench/rows.sh
. "$root/scripts/bench/rows.sh"
clean() {
  local code=$?
  trap - EXIT
  if [ $code != 0 ] && [ -e "$run/logs" ]; then tail -n 5 "$run"/logs/*.log >&2 || true; fi
  stop_own
  ./scripts/down.sh --purge >/dev/null || true
  rm -rf "$work"
  exit $code
}
trap clean EXIT
trap 'exit 130' INT TERM

if [ -z "${BIN:-}" ] || [ -z "${BENCH_BIN:-}" ]; then
  need cargo
  cargo build --release -p api -p bench
  BIN=${CARGO_TARGET_DIR:-$root/target}/release/cartwright
  BENCH_BIN=${CARGO_TARGET_DIR:-$root/target}/release/bench
fi
BIN=$(realpath "$BIN") BENCH_BIN=$(realpath "$BENCH_BIN")
export BIN BENCH_BIN

began=$SECONDS
PORT=$(free_port) CONNECTIONS=250 ./scripts/up.sh >&2
# shellcheck source=/dev/null
. "$run/env"
front=127.0.0.1:$NGINX_PORT
api_pids=("$API1_PID" "$API2_PID")
fill_shop "$DATABASE_URL" 10000 1000 0
wait_for "the consumers" 900 events_handled "$DATABASE_URL"
open_bare_front
open_uncached_front
sell_some

# group NAME FUNCTION …: runs the function when the group was asked for.
group() { [[ ! $1 =~ $only ]] || "${@:2}"; }
group replica start_to_ready
group reads warm_reads product "one product" /api/products/1
group reads warm_reads list "list of 20" "/api/products?limit=20"
group uncached uncached_reads product "one product" '/api/products/{id}'
group uncached uncached_reads list "list of 20" '/api/products?limit=20&cursor={cursor}'
group orders orders 64
group orders orders 1
group hot one_variant
group hot other_variants
group hot cheap_answers
group latency open_loop
group overload overload
group replica memory
group doctor books_in_order
if [ ${#growth_sizes[@]} -gt 0 ]; then group growth grow; fi

if [ -n "$quick" ] || [ "$only" != . ]; then report "$work/report.md" && cat "$work/report.md"; else report "$out"; fi
say "Measured in $(((SECONDS - began) / 60)) minutes." >&2
