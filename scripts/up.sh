#!/usr/bin/env bash
# Runs the five nodes of compose.yaml as plain processes, without containers.
#
#   ./scripts/up.sh [N]      N replicas, 2 by default, behind nginx on http://localhost:8080; ./scripts/down.sh ends it
#
# Everything lies in ./.run: the data of Postgres, logs/, pids/, and env, shell variables that tell other scripts the
# addresses and process ids. The data is kept from one run to the next. Access is open and all ports are on 127.0.0.1.
#
#   PORT=8081        another port for nginx
#   RUN_DIR=DIR      another folder than ./.run: a second set beside the first, or one the user postgres can reach
#   BIN=PATH         an existing cartwright binary, instead of building one
#   CONNECTIONS=N    how many Postgres takes, where more than the replicas use it
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

case ${1:-2} in
  -h | --help) usage; exit ;;
  [1-9] | [1-9][0-9]) replicas=${1:-2} ;;
  *) usage >&2; exit 2 ;;
esac
port=${PORT:-8080}

if set_is_up; then
  say "Already up, see $run/env. ./scripts/down.sh stops it."
  exit 1
fi
need curl nginx redis-server setsid
PATH=$(postgres_bin || need initdb):$PATH
port_is_free "$port" || fail "port $port is taken: choose another one with PORT=…"

if [ -z "${BIN:-}" ]; then
  need cargo
  (cd "$root" && cargo build --release -p api)
  BIN=${CARGO_TARGET_DIR:-$root/target}/release/cartwright
fi
BIN=$(realpath "$BIN")

rm -rf "$run"/{pids,ports,nginx,redis,env,replica.env}
mkdir -p "$run"/{logs,pids,ports,nginx/tmp,redis}
run=$(cd "$run" && pwd)
trap 'say "It did not come up; stopping what was started." >&2; RUN_DIR=$run "$root/scripts/down.sh" >/dev/null' EXIT

# Postgres refuses to run as root, so then it runs as its own user, in a folder of that user.
as_postgres=()
if [ "$(id -u)" = 0 ]; then
  as_postgres=(setpriv --reuid=postgres --regid=postgres --init-groups)
  "${as_postgres[@]}" test -x "$run" ||
    fail "The user postgres cannot reach $run: choose a folder it can, for example RUN_DIR=/var/tmp/cartwright"
  mkdir -p "$run/postgres"
  chown postgres:postgres "$run/postgres"
fi

free_port >"$run/ports/postgres"
free_port >"$run/ports/redis"
for ((n = 1; n <= replicas; n++)); do free_port >"$run/ports/api$n"; done
say "$port" >"$run/ports/nginx"

# --- Postgres: durable, as in compose.yaml
pg_port=$(cat "$run/ports/postgres")
if [ ! -s "$run/postgres/PG_VERSION" ]; then
  (umask 077 && head -c 18 /dev/urandom | base64 | tr '+/' 'ab' >"$run/postgres-password")
  if [ "$(id -u)" = 0 ]; then chown postgres:postgres "$run/postgres-password"; fi
  "${as_postgres[@]}" initdb -D "$run/postgres" -U cartwright --pwfile="$run/postgres-password" \
    --auth=scram-sha-256 -E UTF8 --locale=C.UTF-8 >"$run/logs/initdb.log" 2>&1 ||
    { cat "$run/logs/initdb.log" >&2; false; }
fi
spawn postgres "${as_postgres[@]}" postgres -D "$run/postgres" -p "$pg_port" \
  -c listen_addresses=127.0.0.1 -c unix_socket_directories='' \
  -c fsync=on -c synchronous_commit=on -c max_connections="${CONNECTIONS:-$((40 + replicas * 30))}" \
  -c shared_buffers=256MB -c max_wal_size=2GB -c jit=off
wait_for postgres 60 pg_isready -q -h 127.0.0.1 -p "$pg_port"
database_url=postgres://cartwright:$(cat "$run/postgres-password")@127.0.0.1:$pg_port
psql -qd "$database_url/cartwright" -c '' 2>/dev/null || createdb --maintenance-db="$database_url/postgres" cartwright

# --- Redis: a cache and nothing else
redis_port=$(cat "$run/ports/redis")
spawn redis redis-server --bind 127.0.0.1 --port "$redis_port" --dir "$run/redis" \
  --save '' --appendonly no --maxmemory 128mb --maxmemory-policy allkeys-lru
wait_for redis 30 redis-cli -p "$redis_port" ping

# --- the replicas
(umask 077 && cat >"$run/replica.env") <<ENV
BIN=$(printf %q "$BIN")
CARTWRIGHT__ACCESS=${CARTWRIGHT__ACCESS:-open}
CARTWRIGHT__ADMIN__EMAIL=$(printf %q "${CARTWRIGHT__ADMIN__EMAIL:-admin@example.com}")
CARTWRIGHT__ADMIN__PASSWORD=$(printf %q "${CARTWRIGHT__ADMIN__PASSWORD:-demo-admin-password}")
CARTWRIGHT__DATABASE__URL=$database_url/cartwright
CARTWRIGHT__REDIS__URL=redis://127.0.0.1:$redis_port
CARTWRIGHT__MEDIA__DIRECTORY=$(printf %q "$run/media")
ENV
(load_replica_env && "$BIN" seed --demo) >>"$run/logs/seed.log" 2>&1 ||
  { tail -n 20 "$run/logs/seed.log" >&2; false; }
for ((n = 1; n <= replicas; n++)); do start_replica "api$n"; done

# --- nginx: the file that production uses, and two of its own beside it
cp "$root/nginx.conf" "$run/nginx/nginx.conf"
{
  say "upstream api {"
  say "    zone api 128k;"
  for kind in 'max_fails=1 fail_timeout=2s' 'backup max_fails=0'; do
    for ((n = 1; n <= replicas; n++)); do say "    server 127.0.0.1:$(cat "$run/ports/api$n") $kind;"; done
  done
  say "    keepalive 64;"
  say "    keepalive_timeout 15s;"
  say "    keepalive_requests 10000;"
  say "}"
} >"$run/nginx/upstream.conf"
{
  say "listen 127.0.0.1:$port backlog=4096 default_server;"
  say "access_log \"$run/logs/access.json\" json buffer=64k flush=1s;"
  for kind in client_body proxy fastcgi uwsgi scgi; do say "${kind}_temp_path \"$run/nginx/tmp/$kind\";"; done
} >"$run/nginx/listen.conf"
main="pid $run/nginx/nginx.pid; daemon off;"
# As root nginx would hand its requests to a user who may not reach this folder.
if [ "$(id -u)" = 0 ]; then main+=" user root;"; fi
spawn nginx nginx -p "$run/nginx" -c "$run/nginx/nginx.conf" -e "$run/logs/nginx.log" -g "$main"
wait_for nginx 30 curl -fsS -m 2 "http://127.0.0.1:$port/readyz"

write_env
trap - EXIT
say "Cartwright is up: http://localhost:$port (access: ${CARTWRIGHT__ACCESS:-open})"
for file in nginx api postgres redis; do
  for pid in "$run"/pids/"$file"*; do
    name=$(basename "$pid")
    printf '  %-9s 127.0.0.1:%-6s process %-8s %s\n' "$name" "$(cat "$run/ports/$name")" "$(pid_of "$name")" "$run/logs/$name.log"
  done
done
say "./scripts/smoke.sh tries it out, ./scripts/replica.sh stop 2 stops one replica, ./scripts/down.sh stops everything."
