#!/usr/bin/env bash
# Runs the commands under "A first order" in README.md as they stand there, and stops at the first that does not work.
#
#   ./scripts/readme-check.sh [BASE_URL]      http://localhost:8080 by default, or BASE_URL=… in the environment
#
# The shop must be fresh, with open access and the demo products: the commands count on being the first customer, user 2,
# with orders 1 and 2. They are left there.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
case ${1:-} in -h | --help) usage; exit ;; esac
need curl jq
base=${1:-${BASE_URL:-http://localhost:8080}}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
answer=$work/answer

# commands: the "$ curl" lines of the section's console block, each joined with the lines that continue it.
commands() {
  awk '
    /^## / { here = $0 == "## A first order" }
    /^```/ { block = here && $0 == "```console"; next }
    !block { next }
    /^\$ curl / { taken = 1; $0 = substr($0, 3) }
    taken { more = sub(/\\$/, ""); printf "%s%s", $0, more ? "" : "\n"; taken = more }
  ' "$root/README.md"
}

# curl: leaves the answer in $answer and prints its status alone.
curl() { command curl -m 15 -o "$answer" -w '%{http_code}' "$@"; }

# expect JQ-CONDITION
expect() { jq -e "$1" "$answer" >/dev/null 2>&1 || wrong "$1"; }
wrong() {
  printf '\n❌ %s\n   expected: %s\n   answered: %s\n' "$command" "$1" "$status" >&2
  head -c 4000 "$answer" >&2
  fail ""
}

mapfile -t all < <(commands)
users=0 orders=0 cancelled=0
for command in "${all[@]}"; do
  command=${command//http:\/\/localhost:8080/$base}
  printf '%s\n' "· $command"
  : >"$answer"
  status=$(eval "$command") || wrong "curl ends with success"
  [[ $status == 2?? ]] || wrong "status 2xx"
  case $command in
    *' -X DELETE '*"$base/api/orders/"*) cancelled=$((cancelled + 1)); expect '.success == true' ;;
    *"$base/api/users "*' -d '*) users=$((users + 1)); expect ".id == $((users + 1))" ;;
    *"$base/api/orders "*' -d '*) orders=$((orders + 1)); expect ".orderId == $orders and .userId == 2" ;;
  esac
done
[ "$users $orders $cancelled" = "1 2 1" ] ||
  fail "README.md has $users registrations, $orders orders and $cancelled cancellations, not 1, 2 and 1"

command="curl -s '$base/api/orders?userId=2'"
status=$(eval "$command") || wrong "curl ends with success"
expect '[.orders[] | {orderId, status}] | sort_by(.orderId) ==
  [{"orderId":1,"status":"processed"},{"orderId":2,"status":"cancelled"}]'
say "All ${#all[@]} commands of README.md work ✅"
