#!/usr/bin/env bash
# Walks through the documented API of a running shop (docs/api.md) and stops at the first answer that is not as written.
#
#   ./scripts/smoke.sh [BASE_URL]      http://localhost:8080 by default, or BASE_URL=… in the environment
#
# The shop must have open access and the demo products. It may run again and again: it cancels the orders it places.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
case ${1:-} in -h | --help) usage; exit ;; esac
need curl jq
base=${1:-${BASE_URL:-http://localhost:8080}}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# request METHOD PATH [BODY] [HEADER …]: sets $status and $body, leaves the headers in $work/headers.
request() {
  local method=$1 path=$2 data=${3:-} header args=()
  shift $(($# < 3 ? $# : 3))
  for header; do args+=(-H "$header"); done
  if [ -n "$data" ]; then args+=(-H 'Content-Type: application/json' --data-binary "$data"); fi
  asked="$method $base$path $data $*"
  : >"$work/body"
  : >"$work/headers"
  status=$(curl -sS -m 15 -X "$method" -o "$work/body" -D "$work/headers" -w '%{http_code}' "${args[@]}" "$base$path") || status=none
  body=$(cat "$work/body")
}

wrong() {
  printf '\n❌ %s\n   asked:    %s\n   expected: %s\n   answered: %s\n' "$step" "$asked" "$1" "$status" >&2
  sed 's/^/   | /' "$work/headers" >&2
  printf '%s\n' "$body" | head -c 4000 | sed 's/^/   | /' >&2
  exit 1
}

# expect STATUS [JQ-CONDITION]: STATUS may be a pattern such as 200|201.
expect() {
  local conditions=${2:-}
  [[ $status =~ ^($1)$ ]] || wrong "status $1"
  [ -z "$conditions" ] || jq -e "$conditions" <"$work/body" >/dev/null 2>&1 || wrong "$conditions"
}

# problem STATUS CODE: an RFC 9457 error. The content type counts, too.
problem() {
  expect "$1" ".status == $1 and (.title | length > 0) and (.requestId | length > 0) and (.code | test(\"^($2)$\"))"
  has_header content-type application/problem+json
}

has_header() { grep -qi "^$1: *$2" "$work/headers" || wrong "header $1: $2"; }
get() { jq -r "$1" <"$work/body"; }
fresh_key() { cat /proc/sys/kernel/random/uuid 2>/dev/null || uuidgen; }
begin() { step=$1; printf '%s\n' "· $1"; }

begin "the shop answers"
request GET /
expect 200
request GET /readyz
expect 200 '.status == "ready" and .database == "up"'
has_header x-request-id '[A-Za-z0-9-]\{16,64\}'
request GET /metrics
expect 404

begin "the catalogue can be listed, searched and read"
request GET '/api/products'
expect 200 '.products | length >= 3'
request GET '/api/products?q=AirPods&page=1&limit=5'
expect 200 '[.products[] | select(.id == 2 and .price == "199.99" and .currency == "USD")] | length == 1'
request GET '/api/products?limit=2'
expect 200 '.products | length == 2'
request GET /api/products/1
expect 200 '.id == 1 and .name == "MacBook Air" and .price == "999.99" and has("description") and has("image")'
has_header etag '"'
etag=$(sed -n 's/^etag: *//Ip' "$work/headers" | tr -d '\r')
request GET /api/products/1 '' "If-None-Match: $etag"
expect 304
sku=$(request GET /api/products/2 && get .sku)

begin "what is not there, not allowed or not understood is refused in one format"
request GET /api/products/999999999
problem 404 '.*'
request GET /api/products/01
problem 404 '.*'
request GET '/api/products?limit=0'
problem '400' '.*'
request GET '/api/products?colour=red'
problem 400 '.*'
request POST /api/products '{"name":"Ghost","sku":"GHOST-1","price":"1.00"}'
problem 401 '.*'
request GET /api/users/me
problem 401 '.*'
request GET /api/orders '' 'Authorization: Bearer no-such-token-0123456789'
problem 401 '.*'

begin "a shopper registers, and once is enough"
email=smoke@example.com
registration="{\"name\":\"Smoke Test\",\"email\":\"$email\",\"password\":\"smoke-test-password\",\"phoneNumber\":\"+1 555 0100\"}"
request POST /api/users "$registration"
expect '200|201' ".email == \"$email\" and .name == \"Smoke Test\" and .isAdmin == false and .id >= 2"
user=$(get .id)
request POST /api/users "$registration"
expect 200 ".id == $user"
request POST /api/users "${registration/smoke-test-password/another-password}"
problem 409 email_taken
request POST /api/users '{"name":"No Address","email":"nonsense","password":"smoke-test-password"}'
problem 422 '.*'
expect 422 '.errors | map(.field) | index("email") != null'

begin "an order is placed with productIds"
order="{\"userId\":$user,\"productIds\":[1,2],\"address\":\"123 Demo St\",\"payment\":\"card\",\"shipping\":\"std\"}"
request POST /api/orders "$order"
expect 201 ".orderId >= 1 and .userId == $user and .productIds == [1,2] and .address == \"123 Demo St\" and
  .payment == \"card\" and .shipping == \"std\" and .status == \"ordered\""
first=$(get .orderId)
has_header location ".*/api/orders/$first"

begin "an order is placed with lines, once for one key"
lines="{\"userId\":$user,\"lines\":[{\"productId\":1,\"quantity\":2},{\"sku\":\"$sku\",\"quantity\":1}],
  \"address\":{\"line1\":\"123 Demo St\",\"city\":\"Springfield\",\"country\":\"US\"},\"payment\":\"cod\",\"shipping\":\"exp\"}"
key=$(fresh_key)
request POST /api/orders "$lines" "Idempotency-Key: $key"
expect 201 '(.lines | map({productId, quantity})) == [{"productId":1,"quantity":2},{"productId":2,"quantity":1}] and
  .totals.subtotal == {"amount":219997,"currency":"USD"} and .address.city == "Springfield"'
second=$(get .orderId)
cp "$work/body" "$work/placed"
request POST /api/orders "$lines" "Idempotency-Key: $key"
expect 201 ".orderId == $second"
has_header idempotent-replayed true
cmp -s "$work/body" "$work/placed" || wrong "the same answer, byte for byte"
request POST /api/orders "${lines/cod/invoice}" "Idempotency-Key: $key"
problem 422 idempotency_key_reused

begin "orders that cannot be are refused"
request POST /api/orders "${order/card/shells}"
problem 422 '.*'
expect 422 'tostring | contains("invoice")'
request POST /api/orders "${order/\[1,2\]/[999999999]}"
problem 422 unknown_product
request POST /api/orders "${order/\"userId\":$user/\"userId\":999999999}"
problem 404 user_not_found
request POST /api/orders "${order/\"userId\"/\"surprise\":1,\"userId\"}"
problem 422 '.*'
request POST /api/orders '{"userId":'
problem 400 '.*'

begin "orders can be listed and read"
request GET "/api/orders?userId=$user"
expect 200 ".orders | map(.orderId) | index($first) != null and index($second) != null"
request GET "/api/orders/$first"
expect 200 ".orderId == $first and .status == \"ordered\" and (.timeline | length >= 1)"
request GET /api/orders/999999999
problem 404 '.*'

begin "an order is processed, another one cancelled"
request PUT "/api/orders/$first" '{"status":"processed"}'
expect 200 ".orderId == $first and .status == \"processed\""
request PUT "/api/orders/$first" '{"status":"processed"}'
expect 200 '.status == "processed"'
request GET "/api/orders/$first"
expect 200 '.status == "processed"'
request DELETE "/api/orders/$second"
expect 200 '.success == true'
request GET "/api/orders/$second"
expect 200 '.status == "cancelled"'
request DELETE "/api/orders/$second"
expect 200 '.success == true'

begin "a forbidden step names the allowed ones"
request PUT "/api/orders/$second" '{"status":"delivered"}'
problem 409 invalid_transition
request PUT "/api/orders/$first" '{"status":"Delivered"}'
problem 409 invalid_transition
expect 409 'tostring | contains("inTransit")'

begin "the contract is published"
request GET /api/openapi.json
expect 200 '.openapi | startswith("3.1")'
request GET /api/docs/
expect '200'

# The goods go back on the shelf, so that the next run finds them.
request DELETE "/api/orders/$first"
expect 200 '.success == true'

say "All smoke tests passed ✅"
