# The rows of the benchmark, each beside its limit.
# shellcheck shell=bash

# try ROW SIDE COMMAND …: one run, noted as a sample.
try() {
  local row=$1 side=$2 result; shift 2
  result=$("$@")
  sample "$row" "$side" "$result"
}

two_lines='{"userId":{user},"lines":[{"productId":{id},"quantity":1},{"productId":{other},"quantity":1}],"address":"Bench","payment":"invoice","shipping":"std"}'
one_line='{"userId":{user},"lines":[{"productId":{id},"quantity":1}],"address":"Bench","payment":"invoice","shipping":"std"}'
# More than there is of any product, so that a plain read refuses it.
too_many='{"userId":{user},"lines":[{"productId":1,"quantity":1000000}],"address":"Bench","payment":"invoice","shipping":"std"}'

# place OPTION …: orders through nginx, each with a key of its own, spread over all variants unless told otherwise.
place() {
  load "$front" --method POST --path /api/orders --expect 201 --keys fresh --ids "$first..$last" \
    --users "$first_user..$last_user" "$@"
}
# place_hot OPTION …: orders of one line, all of one variant.
place_hot() { place --ids "$first..$first" --body "$one_line" "$@"; }
# place_others OPTION …: orders of all variants but that one.
place_others() { place --ids "$((first + 1))..$last" --body "$two_lines" "$@"; }

# sell_some: a shop that is measured has sold before. Plans made while its tables were empty would be kept until they are analysed.
sell_some() {
  place --connections 64 --body "$two_lines" >/dev/null
  psql -qX "$DATABASE_URL" -c 'VACUUM (ANALYZE)' -c CHECKPOINT
}

# p99_of COMMAND …: the same run, with its p99 as the value.
p99_of() { "$@" | jq -c '.value = .goodMs.p99'; }

# --- reads

warm_reads() { # NAME WHAT PATH
  row "warm_$1" "$2, warm cache" "bare actix handler, same bytes, same nginx.conf" requests/s "ratio >= 0.9"
  alternate "try warm_$1 ours with_cpu closed $front $3" "try warm_$1 limit closed $bare_front $3"
}

uncached_reads() { # NAME WHAT PATH
  row "uncached_$1" "$2, without cache" "pgbench, same SQL, prepared" requests/s "ratio >= 0.4"
  alternate "try uncached_$1 ours load $uncached_front --connections 32 --ids $first..$((last - 30)) --path $3" \
    "try uncached_$1 limit bench_sql $1 32"
}

# --- orders

orders() { # CLIENTS
  local id=orders_$1 target='' has_single=''
  if [ "$1" != 1 ]; then target='ratio >= 2'; fi
  if [ -e "$root/scripts/bench/sql/order_single.sql" ]; then has_single=yes; fi
  row "$id" "orders of two lines over $((last - first + 1)) variants, $1 client(s)" \
    "pgbench, one transaction of separate statements" orders/s "$target"
  alternate "try $id ours with_cpu place --connections $1 --body $two_lines" "try $id limit bench_sql order_separate $1" \
    ${has_single:+"try ${id}_single limit bench_sql order_single $1"}
  if [ -n "$has_single" ]; then
    row "${id}_single" "the same" "pgbench, our own statement for one order" orders/s "ratio >= 0.7"
    derive "$id" "${id}_single" .value
  fi
  row "${id}_p99" "their p99" "" ms ""
  derive "$id" "${id}_p99" .goodMs.p99
}

one_variant() {
  row one_variant "orders on ONE variant, 64 clients" "the same one by one: 1 client" orders/s "value >= 3000" "orders/s, or 10 × the limit"
  alternate "try one_variant ours with_cpu place_hot --connections 64" "try one_variant limit place_hot --connections 1"
  row one_variant_p99 "their p99" "" ms "value <= 500"
  derive one_variant one_variant_p99 .goodMs.p99
  row one_variant_sold "units of it reserved, less units in orders" "" units "value = 0"
  sample one_variant_sold ours "{\"value\": $(query "SELECT (SELECT reserved FROM catalog.stock_levels WHERE variant_id = $first)
    - (SELECT sum(quantity) FROM ordering.order_lines WHERE variant_id = $first)")}"
}

# beside_the_hot COMMAND …: runs it while 64 clients want one variant.
beside_the_hot() {
  seconds=$((seconds + 1)) place_hot --connections 64 --warm-up 0 >"$work/hot.json" &
  "$@"
  wait $!
}

other_variants() {
  local rate=$(($(peak orders_64) / 4))
  row others "p99 of other variants' orders ($rate/s) while 64 clients want ONE" "their p99 without that" ms "ratio <= 2"
  alternate "try others ours p99_of beside_the_hot place_others --rate $rate --connections 128" \
    "try others limit p99_of place_others --rate $rate --connections 128"
}

cheap_answers() {
  row replays "repeats of one order under its key, 64 clients" "" answers/s ""
  row sold_out "sold-out answers, 64 clients" "" answers/s ""
  alternate "try replays ours with_cpu place --keys same --connections 64 --body $two_lines" \
    "try sold_out ours with_cpu place --expect 409 --connections 64 --body $too_many"
}

# --- latency and overload

open_loop() {
  local reads writes
  reads=$(($(peak warm_product) * 7 / 10)) writes=$(($(peak orders_64) * 7 / 10))
  row open_reads "p99 of one product, warm, open loop at 70 % of the peak: $reads/s" "" ms ""
  row open_orders "p99 of orders of two lines, open loop at 70 % of the peak: $writes/s" "" ms ""
  alternate "try open_reads ours p99_of load $front --rate $reads --path /api/products/1" \
    "try open_orders ours p99_of place --rate $writes --connections 256 --body $two_lines"
}

overload() {
  local most
  most=$(peak orders_64)
  row overload "orders/s that go through while $((most * 4))/s are sent, 4 x the peak" "the peak" orders/s "ratio >= 0.8"
  row overload_p99 "their p99, from the moment they were due" "" ms "value <= 1000"
  row overload_recovery "time until half the peak is served as before the flood" "" s "value <= 10"
  alternate "flood $most"
}

flood() { # PEAK
  local calm during after half=$(($1 / 2))
  calm=$(place --rate $half --connections 256 --body "$two_lines")
  during=$(place --rate $(($1 * 4)) --connections 1500 --body "$two_lines")
  after=$(seconds=12 place --warm-up 0 --rate $half --connections 256 --body "$two_lines")
  sample overload limit "{\"value\": $1}"
  sample overload ours "$during"
  sample overload_p99 ours "$(jq -c '{value: .goodMs.p99}' <<<"$during")"
  # The last second in which anything was refused, lost or slow, counted from 1.
  sample overload_recovery ours "$(jq -nc --argjson calm "$calm" --argjson after "$after" '
    ([2 * $calm.goodMs.p99, 25] | max) as $slow
    | [$after.bySecond | to_entries[] | select(.value | .failed + .unsent > 0 or .refused != {} or .goodMs.p99 > $slow) | .key + 1]
    | {value: (max // 0)}')"
}

# --- a replica by itself

start_to_ready() {
  row start "start to ready, database migrated" "" ms "value <= 300"
  alternate "try start ours time_start"
}

memory() {
  row memory_idle "memory of a replica (PSS), warm and idle" "" MiB "value <= 64"
  row memory_turns "the most it had under every product read, ONE variant ordered, 4 x too many orders, registrations" "" MiB "value <= 64"
  row memory_load "the most it had under 64 clients ordering and 8 listing orders of 1,000 lines" "" MiB "value <= 64"
  row memory_after "and 10 s later" "" MiB "value <= 64"
  local pid
  for pid in "${api_pids[@]}"; do sample memory_idle ours "{\"value\": $(mebibytes "$(pss "$pid")")}"; done
  most_memory memory_turns one_load_after_another
  large_orders
  most_memory memory_load order_and_list
  sleep 10
  for pid in "${api_pids[@]}"; do sample memory_after ours "{\"value\": $(mebibytes "$(pss "$pid")")}"; done
}

# most_memory ROW COMMAND …: the most that any replica had during the command.
most_memory() {
  local row=$1; shift
  watch_memory "$work/$row" "${api_pids[@]}" &
  local watcher=$!
  "$@"
  kill $watcher 2>/dev/null
  wait $watcher 2>/dev/null || true
  sample "$row" ours "{\"value\": $(mebibytes "$(sort -n "$work/$row" | tail -1)")}"
}

one_load_after_another() {
  local usual
  load "$front" --connections 32 --ids "$first..$last" --path '/api/products/{id}' >/dev/null
  place_hot --connections 64 >/dev/null
  usual=$(place --connections 64 --body "$two_lines" | jq '.value | floor')
  place --rate $((usual * 4)) --connections 1500 --body "$two_lines" >/dev/null
  load "$front" --method POST --path /api/users --expect 201 --connections 64 --ids 1..1000000000 \
    --body '{"name":"Bench","email":"bench{id}@example.com","password":"long enough"}' >/dev/null
}

order_and_list() {
  local loads=()
  seconds=$((seconds * 2)) place --connections 64 --body "$two_lines" >/dev/null & loads+=($!)
  seconds=$((seconds * 2)) load "$front" --connections 8 --path "/api/orders?userId=$last_user&limit=20" >/dev/null & loads+=($!)
  wait "${loads[@]}"
}

# large_orders: twenty orders of 1,000 lines for the last user.
large_orders() {
  local body
  body=$(jq -nc --argjson first "$first" --argjson user "$last_user" '{userId: $user, address: "Bench", payment: "invoice",
    shipping: "std", lines: [range(1000) | {productId: ($first + .), quantity: 1}]}')
  for _ in {1..20}; do
    curl -fsS -o /dev/null --retry 5 --retry-all-errors -H 'Content-Type: application/json' \
      -H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)" -d "$body" "http://$front/api/orders"
  done
}

# --- growth

growth() {
  local n what name path
  for what in 'list_first:first page of the list:/api/products?limit=20' 'list_deep:page 5,000 of the list, or the last:{deep}' \
    'read:one product:/api/products/{id}' \
    'category_first:first page of a category of all products:/api/categories/{category}/products?limit=20' \
    'category_deep:page 5,000 of that category, or the last:{deep_in_category}' \
    'search:search for a word of all products and one of few:/api/search?q=product+{id}' \
    'facets:the same word of few, with three facets:/api/search?q={id}&facets=category,price,inStock' \
    'orders_of_user:orders of one of 1,000 users:/api/orders?userId={user}&limit=20' \
    'orders_of_any:orders of any user:/api/orders?userId={user}&limit=20'; do
    name=${what%%:*} path=${what##*:}
    what=${what#*:} what=${what%:*}
    local commands=()
    for n in "${!growth_sizes[@]}"; do
      if [ "$n" = 0 ]; then
        row "growth_${name}_$n" "$what, ${growth_names[n]}: p50" "" ms ""
      else
        row "growth_${name}_$n" "$what, ${growth_names[n]}: p50" "${growth_names[0]}" ms "ratio <= 1.3"
      fi
      commands+=("grown $n growth_${name}_$n $path")
    done
    alternate "${commands[@]}"
    for n in "${!growth_sizes[@]}"; do [ "$n" = 0 ] || derive "growth_${name}_0" "growth_${name}_$n" .value limit; done
  done
}

grown() { # SIZE ROW PATH
  local products=${growth_sizes[$1]%%:*} users=$((${growth_sizes[$1]#*:} / 10)) path=$3 deep
  # How long a list takes, and how long it takes to fetch what nobody has read for long, are two questions.
  case $2 in growth_orders_of_user_*) users=$((users > 1000 ? 1000 : users)) ;; esac
  deep=$((products > 100000 ? 100000 : products - 100))
  case $path in
    '{deep}') path="/api/products?limit=20&cursor=$(printf 'c%016x' $deep)" ;;
    '{deep_in_category}') path="/api/categories/{category}/products?limit=20&cursor=$(printf 'p%016x%016x' $deep $deep)" ;;
  esac
  path=${path/'{category}'/${growth_categories[$1]}}
  try "$2" ours p50_of load "127.0.0.1:${growth_ports[$1]}" --connections 2 --path "$path" --ids "4..$((products + 3))" \
    --users "2..$((users + 1))"
}
p50_of() { "$@" | jq -c '.value = .goodMs.p50'; }
