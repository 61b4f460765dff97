# Shared by the scripts beside it: paths, free ports, and processes that are stopped by what they are, not by name.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# State, logs and process ids of the set that up.sh runs.
run=${RUN_DIR:-$root/.run}

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }

# usage: prints the comment on top of the calling script.
usage() { sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$0"; }

# need TOOL …: stops with advice when one is missing.
need() {
  local tool
  for tool; do
    command -v "$tool" >/dev/null || fail "$tool is missing: ./scripts/install-deps.sh installs what the scripts need"
  done
}

# postgres_bin: the folder of the newest Postgres server programs on this machine.
postgres_bin() {
  local initdb
  initdb=$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -1)
  [ -n "$initdb" ] || initdb=$(command -v initdb) || return 1
  dirname "$initdb"
}

port_is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_port: a port on 127.0.0.1 that nothing listens on, below the range the kernel hands out by itself.
free_port() {
  local port
  for _ in {1..200}; do
    port=$((20000 + (RANDOM << 1 ^ RANDOM) % 12000))
    if port_is_free "$port" && ! grep -qsx "$port" "$run"/ports/*; then say "$port"; return; fi
  done
  fail "no free port found"
}

# --- processes -----------------------------------------------------------------------------------------------------
# $run/pids/NAME holds "PID STARTED". Both together name one process for ever: a number that was given to another
# process since has another start time, and is never signalled.

# started PID: when the process started, in clock ticks since boot; fails when it is gone or only waits to be reaped.
started() {
  local line
  { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
  # The name in brackets may hold anything, so the fields are counted from behind it.
  read -ra line <<<"${line##*) }"
  [ "${line[0]}" != Z ] && say "${line[19]}"
}

# spawn NAME COMMAND …: runs it in the background, away from this terminal, with its output in $run/logs/NAME.log.
spawn() {
  local name=$1; shift
  setsid "$@" >>"$run/logs/$name.log" 2>&1 </dev/null &
  note_pid "$name" $!
}

# A program that ends at once has no start time: its pid file then says so, and it counts as not alive.
note_pid() { say "$2 $(started "$2" || true)" >"$run/pids/$1"; }

pid_of() { cut -d' ' -f1 "$run/pids/$1"; }

alive() {
  local pid since
  read -r pid since 2>/dev/null <"$run/pids/$1" || return 1
  [ -n "$since" ] && [ "$(started "$pid")" = "$since" ]
}

# stop NAME SIGNAL SECONDS: asks it to end, and insists when it has not after so many seconds.
stop() {
  local name=$1 signal=$2 seconds=$3 i
  if alive "$name"; then
    kill -s "$signal" "$(pid_of "$name")" 2>/dev/null || true
    for ((i = 0; i < seconds * 20; i++)); do
      alive "$name" || break
      sleep 0.05
    done
    if alive "$name"; then
      say "$name did not stop within $seconds s and is killed"
      kill -s KILL "$(pid_of "$name")" 2>/dev/null || true
      while alive "$name"; do sleep 0.05; done
    fi
  fi
  rm -f "$run/pids/$name"
}

# wait_for WHAT SECONDS COMMAND …: until the command succeeds. WHAT is also the name of the log to show when it does not.
wait_for() {
  local what=$1 seconds=$2 i; shift 2
  for ((i = 0; i < seconds * 10; i++)); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    if [ -e "$run/pids/$what" ] && ! alive "$what"; then break; fi
    sleep 0.1
  done
  say "$what is not ready. The end of $run/logs/$what.log:" >&2
  tail -n 20 "$run/logs/$what.log" >&2 || true
  return 1
}

# --- the running set -----------------------------------------------------------------------------------------------

set_is_up() {
  local file
  for file in "$run"/pids/*; do
    if [ -e "$file" ] && alive "$(basename "$file")"; then return 0; fi
  done
  return 1
}

# load_replica_env: the settings that all replicas share, exported.
load_replica_env() {
  set -a
  # shellcheck source=/dev/null
  . "$run/replica.env"
  set +a
}

# start_replica NAME: with the settings of $run/replica.env on the port in $run/ports/NAME; returns when it is ready.
start_replica() {
  local name=$1 port
  port=$(cat "$run/ports/$name")
  (
    load_replica_env
    CARTWRIGHT__HTTP__BIND=127.0.0.1:$port CARTWRIGHT__METRICS__BIND='' spawn "$name" "$BIN" serve --with-worker
  )
  wait_for "$name" 60 curl -fsS -m 2 "http://127.0.0.1:$port/readyz"
}

# write_env: what other scripts and tests need to know of the set, as shell variables in $run/env.
write_env() {
  local name file
  {
    printf 'BASE_URL=%q\n' "http://127.0.0.1:$(cat "$run/ports/nginx")"
    (load_replica_env && printf 'BIN=%q\nDATABASE_URL=%q\nREDIS_URL=%q\nADMIN_EMAIL=%q\nADMIN_PASSWORD=%q\n' \
      "$BIN" "$CARTWRIGHT__DATABASE__URL" "$CARTWRIGHT__REDIS__URL" "$CARTWRIGHT__ADMIN__EMAIL" "$CARTWRIGHT__ADMIN__PASSWORD")
    printf 'REPLICAS=%q\n' "$(find "$run/ports" -name 'api*' | wc -l)"
    for file in "$run"/ports/*; do
      name=$(basename "$file")
      printf '%s_PORT=%q\n' "${name^^}" "$(cat "$file")"
      if alive "$name"; then printf '%s_PID=%q\n' "${name^^}" "$(pid_of "$name")"; fi
    done
  } >"$run/env.new"
  mv "$run/env.new" "$run/env"
}
