# The servers and shops that bench.sh measures beside those of up.sh.
# shellcheck shell=bash

# What was started here, by name in $run/pids, beside what up.sh started.
own=()
stop_own() { local name; for name in "${own[@]}"; do stop "$name" TERM 30; done; }

# --- shops -----------------------------------------------------------------------------------------------------------

# fill_shop DATABASE_URL PRODUCTS USERS ORDERS: adds so many to the shop, through COPY, and leaves the ranges of the new ids in
# first, last, first_user and last_user.
fill_shop() {
  local url=$1 orders=() table
  first=$(($(psql -qXAt "$url" -c 'SELECT coalesce(max(id), 0) FROM catalog.variants') + 1)) last=$((first + $2 - 1))
  first_user=$(($(psql -qXAt "$url" -c 'SELECT coalesce(max(id), 0) FROM accounts.users') + 1)) last_user=$((first_user + $3 - 1))
  if [ "$4" -gt 0 ]; then orders=(--orders "1..$4"); fi
  for table in users products variants prices stock-levels orders order-lines order-timeline stock-movements outbox; do
    # Foreign keys are right by construction, and looking each one up takes longer than all the rest. `doctor` looks again.
    "$BENCH_BIN" data "$table" --products "$first..$last" --users "$first_user..$last_user" "${orders[@]}" |
      PGOPTIONS='-c session_replication_role=replica -c synchronous_commit=off' psql -qX -v ON_ERROR_STOP=1 "$url"
  done
  psql -qX -v ON_ERROR_STOP=1 "$url" >/dev/null <<'SQL'
SELECT setval(pg_get_serial_sequence('accounts.users', 'id'), max(id)) FROM accounts.users;
SELECT setval(pg_get_serial_sequence('catalog.products', 'id'), max(id)) FROM catalog.products;
SELECT setval(pg_get_serial_sequence('catalog.variants', 'id'), max(id)) FROM catalog.variants;
SELECT setval(pg_get_serial_sequence('catalog.prices', 'id'), max(id)) FROM catalog.prices;
SELECT setval(pg_get_serial_sequence('ordering.orders', 'id'), max(id)) FROM ordering.orders;
VACUUM (ANALYZE);
CHECKPOINT;
SQL
}

# fill_category DATABASE_URL: makes one category of all that fill_shop added last, and tells its id.
fill_category() {
  PGOPTIONS='-c session_replication_role=replica' psql -qXAt -v ON_ERROR_STOP=1 -v first="$first" -v last="$last" "$1" <<'SQL'
INSERT INTO catalog.categories (slug, name, root_position) VALUES ('bench-' || :first, 'Bench', 1);
INSERT INTO catalog.category_products (category_id, product_id, position, product_name)
SELECT c.id, p.id, p.id, p.name FROM catalog.categories c, catalog.products p
 WHERE c.slug = 'bench-' || :first AND p.id BETWEEN :first AND :last;
INSERT INTO platform.outbox (kind, resource_type, resource_id, payload, sequence)
SELECT 'category.created', 'category', id, jsonb_build_object('categoryId', id), 1 FROM catalog.categories WHERE slug = 'bench-' || :first;
ANALYZE catalog.category_products;
SELECT id FROM catalog.categories WHERE slug = 'bench-' || :first;
SQL
}

# grow: shops of several sizes beside each other, each with a replica of its own that caches nothing.
grow() {
  local size name
  growth_ports=() growth_names=() growth_categories=()
  for size in "${growth_sizes[@]}"; do
    name=growth_${size//:/_}
    printf '» filling a shop of %s products and %s orders\n' "${size%%:*}" "${size##*:}" >&2
    createdb --maintenance-db="$DATABASE_URL" "$name"
    (load_replica_env && CARTWRIGHT__DATABASE__URL=${DATABASE_URL%/*}/$name "$BIN" seed --demo) >>"$run/logs/seed.log" 2>&1
    fill_shop "${DATABASE_URL%/*}/$name" "${size%%:*}" "$((${size##*:} / 10))" "${size##*:}"
    growth_categories+=("$(fill_category "${DATABASE_URL%/*}/$name")")
    start_uncached "$name" "${DATABASE_URL%/*}/$name"
    growth_ports+=("$(cat "$run/ports/$name")")
    growth_names+=("$(grouped "${size%%:*}") products, $(grouped "${size##*:}") orders")
  done
  for size in "${growth_sizes[@]}"; do wait_for "the consumers of $size" 3600 events_handled "${DATABASE_URL%/*}/growth_${size//:/_}"; done
  sync # what was loaded is written now, and not while the first rows are measured
  growth
  for size in "${growth_sizes[@]}"; do
    name=growth_${size//:/_}
    books_in_order "${DATABASE_URL%/*}/$name" "$(grouped "${size##*:}") orders"
  done
}

# events_handled DATABASE_URL: whether consumers have read all of the log, and all that is to be found can be found. Until then they take half
# a core of the replica that is measured.
events_handled() {
  [ "$(psql -qXAt "$1" -c 'SELECT bool_and((c.xid, c.id) >= (o.xid, o.id)) AND NOT EXISTS (SELECT FROM catalog.search_stale)
                              FROM platform.consumers c, (SELECT xid, id FROM platform.outbox ORDER BY xid DESC, id DESC LIMIT 1) o')" = t ]
}

# grouped N: 1000000 as 1,000,000.
grouped() { sed -E ':a; s/^([0-9]+)([0-9]{3})/\1,\2/; ta' <<<"$1"; }

# books_in_order [DATABASE_URL WHAT]: what doctor finds, where this release has it.
books_in_order() {
  local url=${1:-$DATABASE_URL} id=doctor_${2:-run} found=0
  "$BIN" --help | grep -q '^ *doctor' || return 0
  (load_replica_env && CARTWRIGHT__DATABASE__URL=$url "$BIN" doctor) >"$work/doctor" 2>&1 || found=$?
  row "$id" "exit code of doctor, ${2:-after all of it}" "" "" "value = 0"
  sample "$id" ours "{\"value\": $found}"
  if [ $found != 0 ]; then tail -n 20 "$work/doctor" >&2; fi
}

# --- servers ---------------------------------------------------------------------------------------------------------

# start_uncached NAME [DATABASE_URL]: a replica that keeps nothing, neither in the process nor in Redis.
start_uncached() {
  free_port >"$run/ports/$1"
  own+=("$1")
  (
    load_replica_env
    export CARTWRIGHT__CACHE__MAX_BYTES=0 CARTWRIGHT__REDIS__URL='' CARTWRIGHT__DATABASE__URL=${2:-$CARTWRIGHT__DATABASE__URL}
    CARTWRIGHT__HTTP__BIND=127.0.0.1:$(cat "$run/ports/$1") CARTWRIGHT__METRICS__BIND='' spawn "$1" "$BIN" serve
  )
  wait_for "$1" 60 curl -fsS -m 2 "http://127.0.0.1:$(cat "$run/ports/$1")/readyz"
}

open_uncached_front() {
  start_uncached uncached1
  start_uncached uncached2
  open_front uncached uncached1 uncached2
  uncached_front=127.0.0.1:$(cat "$run/ports/front_uncached")
}

open_bare_front() {
  local n
  for n in 1 2; do
    free_port >"$run/ports/bare$n"
    own+=("bare$n")
    spawn "bare$n" "$BENCH_BIN" bare --bind "127.0.0.1:$(cat "$run/ports/bare$n")" --of "127.0.0.1:$API1_PORT" \
      /api/products/1 '/api/products?limit=20'
    wait_for "bare$n" 30 curl -fsS -m 2 "http://127.0.0.1:$(cat "$run/ports/bare$n")/api/products/1"
  done
  open_front bare bare1 bare2
  bare_front=127.0.0.1:$(cat "$run/ports/front_bare")
}

# open_front NAME SERVER SERVER: a second nginx like the one that up.sh started, but for its port and the servers behind it.
open_front() {
  local name=front_$1 dir=$run/nginx_$1 main
  rm -rf "$dir" # of a run before, in a RUN_DIR that is kept
  cp -r "$run/nginx" "$dir"
  free_port >"$run/ports/$name"
  sed -i "s/:$API1_PORT /:$(cat "$run/ports/$2") /; s/:$API2_PORT /:$(cat "$run/ports/$3") /" "$dir/upstream.conf"
  sed -i "s/:$NGINX_PORT /:$(cat "$run/ports/$name") /; s#$run/nginx/#$dir/#; s#/access.json#/access_$1.json#" "$dir/listen.conf"
  main="pid $dir/nginx.pid; daemon off;"
  if [ "$(id -u)" = 0 ]; then main+=" user root;"; fi
  own=("$name" "${own[@]}")
  spawn "$name" nginx -p "$dir" -c "$dir/nginx.conf" -e "$run/logs/$name.log" -g "$main"
  wait_for "$name" 30 curl -fsS -o /dev/null -m 2 "http://127.0.0.1:$(cat "$run/ports/$name")/api/products/1"
}

# --- the report ------------------------------------------------------------------------------------------------------

# report FILE.md: the table, and the same with every sample as JSON beside it.
report() {
  local json=${1%.md}.json
  jq -n --slurpfile rows "$work/rows.jsonl" --slurpfile samples "$samples" --argjson machine "$(machine)" \
    --argjson rounds "$rounds" --argjson seconds "$seconds" -f "$root/scripts/bench/report.jq" >"$json"
  jq -r -f "$root/scripts/bench/table.jq" "$json" >"$1"
}

# machine: what this was measured on.
machine() {
  jq -nc --arg cpu "$(sed -n 's/^model name[[:space:]]*: //p' /proc/cpuinfo | head -1)" --argjson cores "$(nproc)" \
    --arg memory "$(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo)" --arg kernel "$(uname -sr)" \
    --arg system "$(. /etc/os-release && say "$PRETTY_NAME")" --arg postgres "$(postgres --version | sed 's/^postgres (PostgreSQL) //')" \
    --arg nginx "$(nginx -v 2>&1 | sed 's#.*nginx/##')" --arg redis "$(redis-server --version | sed 's/.*v=\([0-9.]*\).*/\1/')" \
    --arg revision "$(git -C "$root" describe --always --dirty 2>/dev/null || true)" --arg date "$(date -u +%F)" \
    --arg load "$(cut -d' ' -f1 /proc/loadavg)" \
    '{$date, $revision, $cpu, $cores, $memory, $kernel, $system, $postgres, $nginx, $redis, loadAtTheEnd: $load}'
}
