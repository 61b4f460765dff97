#!/usr/bin/env bash
# Checks that compose.yaml keeps its promises: builds the image, brings the five nodes up, and takes them away one by one.
#
#   ./scripts/compose-check.sh
#
# Runs under a project name, a port and a subnet of its own, and removes them with their data at the end. Says so and
# passes where no container engine can be had. Where no image registry can be reached, ../shared/docker may provide one.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
case ${1:-} in -h | --help) usage; exit ;; esac
cd "$root"

most_megabytes=45
images=../shared/docker/images.sh
engine=../shared/docker/engine.sh

compose_answers() { docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; }
if ! compose_answers && [ -e $engine ] && [ "$(id -u)" = 0 ]; then bash $engine >/dev/null || true; fi
if ! compose_answers; then
  say "SKIPPED compose-check: no container engine with Compose v2 answers here."
  exit
fi
need curl jq

# The demo's own settings, whatever those of the caller are.
unset "${!CARTWRIGHT__@}"
PORT=$(free_port)
export PORT COMPOSE_PROJECT_NAME=cartwright-check-$$ CARTWRIGHT_SUBNET=10.89.$((100 + $$ % 100)) CARTWRIGHT_IMAGE=cartwright:check
export BASE_URL=http://127.0.0.1:$PORT
work=$(mktemp -d)
clean() {
  local code=$?
  rm -f "$work/go"
  wait
  if [ $code != 0 ]; then
    docker compose ps --all || true
    docker compose logs --no-color --tail 20 || true
  fi
  docker compose down --volumes --remove-orphans >/dev/null 2>&1 || true
  rm -rf "$work"
  exit $code
}
trap clean EXIT

step() { printf '%s\n' "» $*"; }

step "compose.yaml takes the settings under their documented names"
CARTWRIGHT__ACCESS=required CARTWRIGHT__ADMIN__EMAIL=owner@shop.example CARTWRIGHT__ADMIN__PASSWORD=not-the-demo-password \
  docker compose config --format json >"$work/config"
for service in api1 api2 migrate; do
  jq -e --arg service $service '.services[$service].environment | .CARTWRIGHT__ACCESS == "required" and
    .CARTWRIGHT__ADMIN__EMAIL == "owner@shop.example" and .CARTWRIGHT__ADMIN__PASSWORD == "not-the-demo-password"' \
    "$work/config" >/dev/null || fail "$service does not get the settings that were given"
done

# --- what the Dockerfile and compose.yaml start from
mapfile -t needed < <({ sed -n 's/^FROM \([^ ]*\).*/\1/p' deploy/Dockerfile; docker compose config --images; } | grep -v '^cartwright' | sort -u)
for image in "${needed[@]}"; do
  docker image inspect "$image" >/dev/null 2>&1 && continue
  step "image $image"
  timeout 600 docker pull -q "$image" 2>"$work/pull" && continue
  [ -e $images ] || { cat "$work/pull" >&2; fail "$image cannot be pulled"; }
  bash $images "$image"
done

step "docker compose up -d --build --wait"
docker compose --progress plain up -d --build --wait >"$work/up" 2>&1 || { tail -n 60 "$work/up" >&2; fail "up failed"; }

size() { docker image inspect -f '{{.Size}}' "$1"; }
base=$(sed -n 's/^FROM \([^ ]*\).*/\1/p' deploy/Dockerfile | tail -1)
added=$(( ($(size "$CARTWRIGHT_IMAGE") - $(size "$base")) / 1000 / 1000 ))
step "the image adds $added MB to $base"
[ "$added" -lt $most_megabytes ] || fail "that is not below $most_megabytes MB"

step "smoke run with two replicas"
./scripts/smoke.sh | tail -n 1

step "smoke run without api2"
docker compose stop api2 2>/dev/null
./scripts/smoke.sh | tail -n 1
docker compose start api2 2>/dev/null

# --- nothing may fail while nodes come and go. Every order is cancelled again, so the stock stays.

# answered METHOD PATH STATUS [CURL-OPTION …]: sends one request, leaves the answer in $answer and notes whether the
# status was the one expected.
answered() {
  local method=$1 path=$2 expected=$3 status
  shift 3
  status=$(curl -s -m 20 -o "$answer" -w '%{http_code}' -X "$method" "$@" "$BASE_URL$path") || true
  if [ "$status" = "$expected" ]; then
    printf '.' >>"$work/good"
  else
    printf '%s %s %s: %s %s\n' "$(date +%T)" "$method" "$path" "$status" "$(head -c 300 "$answer")" >>"$work/bad"
    return 1
  fi
}

# shopper NAME keyed|unkeyed: buys and cancels until told to stop, for two minutes at most.
shopper() {
  local until=$((SECONDS + 120)) answer=$work/answer-$1 key=()
  while [ -e "$work/go" ] && [ $SECONDS -lt $until ]; do
    answered GET /api/products/1 200 || true
    if [ "$2" = keyed ]; then key=(-H "Idempotency-Key: $(cat /proc/sys/kernel/random/uuid)"); fi
    if answered POST /api/orders 201 "${key[@]}" -H 'Content-Type: application/json' -d \
      "{\"userId\":$user,\"productIds\":[3],\"address\":\"123 Demo St\",\"payment\":\"card\",\"shipping\":\"std\"}"; then
      answered DELETE "/api/orders/$(jq .orderId "$answer")" 200 || true
    fi
    sleep 0.02
  done
}

healthy() {
  local id
  id=$(docker compose ps -q "$1")
  for _ in {1..120}; do
    [ "$(docker inspect -f '{{.State.Health.Status}}' "$id")" = healthy ] && return
    sleep 0.5
  done
  fail "$1 is not healthy again"
}

healthy api2
user=$(curl -fsS -H 'Content-Type: application/json' -d '{"name":"Load","email":"load@example.com","password":"load-test-password"}' \
  "$BASE_URL/api/users" | jq .id)
: >"$work/good"; : >"$work/bad"; : >"$work/go"
shopper 1 keyed & shopper 2 keyed & shopper 3 unkeyed &
for change in 'stop api2' 'start api2' 'restart api1' 'restart redis' 'kill api1' 'start api1'; do
  step "docker compose $change, under load"
  # shellcheck disable=SC2086
  docker compose $change 2>/dev/null
  case $change in stop* | kill*) sleep 1 ;; *) healthy "${change#* }" ;; esac
done
rm "$work/go"
wait
step "$(wc -c <"$work/good") requests answered, $(wc -l <"$work/bad") failed"
[ ! -s "$work/bad" ] || { head -n 10 "$work/bad" >&2; fail "requests were lost"; }
[ "$(wc -c <"$work/good")" -ge 100 ] || fail "that is too few to tell"

step "docker compose restart postgres"
docker compose restart postgres 2>/dev/null
healthy postgres
for _ in {1..60}; do curl -fsS -m 5 -o /dev/null "$BASE_URL/readyz" 2>/dev/null && break; sleep 0.5; done
./scripts/smoke.sh | tail -n 1

step "docker compose up -d --wait again, ps, logs"
docker compose up -d --wait >"$work/up" 2>&1 || { tail -n 60 "$work/up" >&2; fail "the second up failed"; }
docker compose ps
docker compose logs --no-color >"$work/logs" 2>&1
[ -s "$work/logs" ] || fail "docker compose logs says nothing"
[ "$(docker compose ps --status running --services | sort | xargs)" = "api1 api2 nginx postgres redis" ] || fail "not the five nodes"

step "docker compose down -v"
docker compose down -v >/dev/null 2>&1
[ -z "$(docker compose ps --all -q)" ] || fail "something is left"
say "All compose checks passed ✅"
