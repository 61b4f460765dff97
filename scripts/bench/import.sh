#!/usr/bin/env bash
# Measures an import of products beside COPY of the rows that it writes, in turns, and the most memory it takes.
#
#   ./scripts/bench/import.sh [VARIANTS]     1,000,000 by default, of a quarter as many products
#   --rounds N                               how often each is run (1)
#   --languages de,fr,…                      languages in which each product has a name and a description too
#
#   BIN, BENCH_BIN   existing builds of cartwright and bench, instead of building them for release
#   RUN_DIR          where Postgres keeps its data meanwhile: a folder that the user postgres can reach (a temporary one)
#
# The server is its own, on a free port of 127.0.0.1, with its defaults but for what compose.yaml sets too, and is stopped at the end.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/../lib.sh"
cd "$root"

variants=1000000 rounds=1 languages=''
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) usage; exit ;;
    --rounds) rounds=${2:?how many?}; shift ;;
    --languages) languages=${2:?which?}; shift ;;
    *[!0-9]*) usage >&2; exit 2 ;;
    *) variants=$1 ;;
  esac
  shift
done
PATH=$(postgres_bin || need initdb):$PATH
need psql
if [ -z "${BIN:-}" ] || [ -z "${BENCH_BIN:-}" ]; then
  need cargo
  cargo build --release -p api -p bench
  BIN=${CARGO_TARGET_DIR:-$root/target}/release/cartwright
  BENCH_BIN=${CARGO_TARGET_DIR:-$root/target}/release/bench
fi

work=$(mktemp -d)
chmod 755 "$work"
run=${RUN_DIR:-$work/run}
mkdir -p "$run"/{pids,logs,ports,postgres,socket}
clean() {
  local code=$?
  trap - EXIT
  if [ $code != 0 ]; then tail -n 5 "$run"/logs/*.log >&2 || true; fi
  stop postgres INT 60
  rm -rf "$work" "$run/postgres"
  exit $code
}
trap clean EXIT
trap 'exit 130' INT TERM

as_postgres=()
if [ "$(id -u)" = 0 ]; then
  as_postgres=(setpriv --reuid=postgres --regid=postgres --init-groups)
  chown postgres:postgres "$run/postgres" "$run/socket"
fi
port=$(free_port)
"${as_postgres[@]}" initdb -D "$run/postgres" -U cartwright --auth=trust -E UTF8 --locale=C.UTF-8 >"$run/logs/initdb.log" 2>&1
spawn postgres "${as_postgres[@]}" postgres -D "$run/postgres" -p "$port" -c listen_addresses=127.0.0.1 \
  -c "unix_socket_directories=$run/socket" -c shared_buffers=256MB -c max_wal_size=4GB
wait_for postgres 60 pg_isready -q -h 127.0.0.1 -p "$port"
url=postgres://cartwright@127.0.0.1:$port

tables="products product_translations variants prices stock_levels stock_movements"
"$BENCH_BIN" file --variants "$variants" ${languages:+--languages "$languages"} >"$work/file.csv"

# shop NAME: a database with the shop's tables and nothing in them.
shop() {
  createdb --maintenance-db="$url/postgres" "$1"
  CARTWRIGHT__DATABASE__URL=$url/$1 "$BIN" migrate >>"$run/logs/migrate.log" 2>&1
}

# import NAME: leaves seconds and mib.
import() {
  local began=$EPOCHREALTIME pid line
  CARTWRIGHT__DATABASE__URL=$url/$1 "$BIN" import products "$work/file.csv" >"$work/told" 2>"$run/logs/import.log" &
  pid=$!
  # The mark only rises, so the last look counts.
  while line=$(grep -s VmHWM "/proc/$pid/status"); do
    mib=$(($(tr -dc 0-9 <<<"$line") / 1024))
    sleep 0.05
  done
  wait "$pid"
  seconds=$(since "$began")
}

# copy FROM TO: the rows of one shop into the tables of another one, in one transaction; leaves seconds.
copy() {
  local began table
  for table in $tables; do
    psql -qX "$url/$1" -c "\\copy catalog.$table TO '$work/$table.rows'"
    psql -qXAt "$url/$1" -c "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute
      WHERE attrelid = 'catalog.$table'::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = ''" >"$work/$table.columns"
  done
  {
    echo 'BEGIN;'
    for table in $tables; do echo "\\copy catalog.$table ($(cat "$work/$table.columns")) FROM '$work/$table.rows'"; done
    echo 'COMMIT;'
  } >"$work/copy.sql"
  began=$EPOCHREALTIME
  psql -qX -v ON_ERROR_STOP=1 -f "$work/copy.sql" "$url/$2"
  seconds=$(since "$began")
}

since() { awk -v from="$1" -v to="$EPOCHREALTIME" 'BEGIN { printf "%.1f", to - from }'; }

for ((round = 1; round <= rounds; round++)); do
  shop "import_$round"
  shop "copy_$round"
  psql -qX "$url/postgres" -c CHECKPOINT
  import "import_$round"
  imported=$seconds
  psql -qX "$url/postgres" -c CHECKPOINT
  copy "import_$round" "copy_$round"
  cat "$work/told"
  awk -v i="$imported" -v c="$seconds" -v m="$mib" -v n="$variants" 'BEGIN {
    printf "%d variants: import %.1f s (%d a second), COPY of the same rows %.1f s, ratio %.2f; most memory %d MiB\n", n, i, n / i, c, i / c, m }'
  for name in "import_$round" "copy_$round"; do dropdb --maintenance-db="$url/postgres" "$name"; done
done
