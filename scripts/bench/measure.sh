# What bench.sh measures with: rounds of alternated runs and the samples they leave, load, and what processes use.
# shellcheck shell=bash

ticks=$(getconf CLK_TCK)
samples=$work/samples.jsonl
: >"$samples"
: >"$work/rows.jsonl"

# --- rows and samples ------------------------------------------------------------------------------------------------

# row ID WHAT LIMIT UNIT TARGET [NOTE]: announces a row. TARGET holds ours over the limit ("ratio >= 0.9") or the figure itself
# ("value <= 64") to something; with an empty one the figure is only told.
row() {
  jq -nc --arg id "$1" --arg what "$2" --arg limit "$3" --arg unit "$4" --arg target "$5" --arg note "${6:-}" \
    '{id: $id, what: $what, limit: $limit, unit: $unit, target: $target, note: $note}' >>"$work/rows.jsonl"
  printf '» %s\n' "$2" >&2
}

# sample ROW SIDE JSON: what one run showed, as `value` and whatever else. SIDE is `ours` or `limit`.
sample() { jq -c --arg row "$1" --arg side "$2" '{row: $row, side: $side} + .' <<<"$3" >>"$samples"; }

# derive ROW OTHER FIGURE [SIDE]: the samples of a row are also those of another one, with another of their figures.
derive() {
  jq -c --arg row "$1" --arg other "$2" --arg side "${4:-ours}" \
    'select(.row == $row and .side == "ours") | {row: $other, side: $side, value: '"$3"'}' "$samples" >"$work/derived"
  cat "$work/derived" >>"$samples"
}

# peak ROW: the median of what we reached in it, as a whole number.
peak() {
  jq -s --arg row "$1" '[.[] | select(.row == $row and .side == "ours").value] | sort | .[length / 2 | floor] | floor' "$samples"
}

# alternate COMMAND …: runs the commands in turn, several rounds, so that whatever else the machine does meets all of them.
# Each is one text of words that hold no blanks.
alternate() {
  local command round
  for ((round = 0; round < rounds; round++)); do
    # shellcheck disable=SC2086
    for command; do $command; done
  done
}

# --- load ------------------------------------------------------------------------------------------------------------

# load TO OPTION …: what our load generator saw; its value is the rate of good answers.
load() {
  local to=$1; shift
  "$BENCH_BIN" load --to "$to" --seconds "$seconds" --seed $RANDOM "$@" | jq -c '.value = .goodPerSecond'
}

# closed TO PATH: GETs, as fast as 32 connections go, by a generator that leaves the most of the machine to what is measured.
closed() { wrk -t1 -c32 -d"${seconds}s" -s "$root/scripts/bench/report.lua" "http://$1$2" | tail -n 1; }

# What the API sets in its sessions (db::pool), so that the limit has the same plans.
session='-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c enable_material=off -c max_parallel_workers_per_gather=0 -c jit=off'

# bench_sql SCRIPT CLIENTS: transactions per second of a pgbench script on the same Postgres. The first second, in which each session
# makes its plans, does not count.
bench_sql() {
  local attempt
  # On a machine that is busy otherwise a short run may end before its first transaction.
  for attempt in 1 2 4; do
    PGOPTIONS=$session pgbench -n -M prepared -c "$2" -j "$(($2 < 2 ? 1 : 2))" -T $((seconds * attempt + 1)) -P 1 \
      -f "$root/scripts/bench/sql/$1.sql" -D first="$first" -D last="$last" -D first_user="$first_user" -D last_user="$last_user" \
      "$DATABASE_URL" >"$work/pgbench.log" 2>&1 || break
    awk '/^progress: / && ++told > 1 && $4 > 0 { tps += $4; n++; ms += $7 }
      END { if (n == 0) exit 1; printf "{\"value\": %s, \"meanMs\": %s}\n", tps / n, ms / n }' "$work/pgbench.log" && return
  done
  cat "$work/pgbench.log" >&2
  fail "pgbench could not run $1.sql"
}

query() { psql -qXAt "$DATABASE_URL" -c "$1"; }

# --- processes -------------------------------------------------------------------------------------------------------

# cpu PID …: milliseconds that these processes, and children of theirs that have ended, have computed for.
cpu() {
  local pid line sum=0
  for pid; do
    { read -r line <"/proc/$pid/stat"; } 2>/dev/null || continue
    read -ra line <<<"${line##*) }"
    sum=$((sum + line[11] + line[12] + line[13] + line[14]))
  done
  say $((sum * 1000 / ticks))
}

# cpu_of_family PID: the same for a process and its children.
cpu_of_family() {
  local family
  mapfile -t family < <(say "$1"; pgrep -P "$1")
  cpu "${family[@]}"
}

# with_cpu COMMAND …: a run, and beside what it says the milliseconds that replicas, Postgres and nginx spent on each request.
with_cpu() {
  local replicas postgres door result
  replicas=$(cpu "${api_pids[@]}") postgres=$(cpu_of_family "$POSTGRES_PID") door=$(cpu_of_family "$NGINX_PID")
  result=$("$@")
  replicas=$(($(cpu "${api_pids[@]}") - replicas)) postgres=$(($(cpu_of_family "$POSTGRES_PID") - postgres))
  door=$(($(cpu_of_family "$NGINX_PID") - door))
  jq -c --argjson api $replicas --argjson postgres $postgres --argjson nginx $door '(.requests // .sent) as $n
    | .cpuMsPerRequest = ({$api, $postgres, $nginx} | map_values(. / ([$n, 1] | max)))' <<<"$result"
}

# pss PID: kilobytes of memory that are this process's, shared pages by share.
pss() { awk '/^Pss:/ { print $2 }' "/proc/$1/smaps_rollup"; }
mebibytes() { awk -v k="$1" 'BEGIN { printf "%.1f", k / 1024 }'; }

# watch_memory FILE PID …: notes what each process has, five times a second, until it is stopped.
watch_memory() {
  local file=$1 pid; shift
  while :; do
    for pid; do pss "$pid" >>"$file" || true; done
    sleep 0.2
  done
}

# time_start: milliseconds from the start of a replica to its first ready answer.
time_start() {
  local port began ended
  port=$(free_port)
  began=$(date +%s%N)
  (load_replica_env && CARTWRIGHT__HTTP__BIND=127.0.0.1:$port CARTWRIGHT__METRICS__BIND='' spawn started "$BIN" serve)
  until curl -fs -o /dev/null -m 1 "http://127.0.0.1:$port/readyz"; do alive started || fail "a replica ended at its start"; done
  ended=$(date +%s%N)
  stop started TERM 30
  jq -nc --argjson ns $((ended - began)) '{value: ($ns / 1e6)}'
}
