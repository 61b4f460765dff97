#!/usr/bin/env bash
# Sends made-up requests, good and bad, to every route of a running set and holds each answer against the OpenAPI document.
#
#   ./scripts/schema-check.sh [SECONDS] [SEED]   for so long (60), against the set that up.sh started; it leaves a mess in that shop
#
# No answer may be a server error, nor anything that the document does not say. Requests go to a replica itself, as staff.
# Afterwards doctor must find nothing. Schemathesis comes from PyPI, into target/schemathesis.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
case ${1:-} in -h | --help) usage; exit ;; esac
cd "$root"
seconds=${1:-60} seed=${2:-1} version=4.32.5
./scripts/install-deps.sh python3 python3-venv
# shellcheck source=/dev/null
. "$run/env"

tool=${CARGO_TARGET_DIR:-target}/schemathesis
if [ "$("$tool/bin/schemathesis" --version 2>/dev/null)" != "schemathesis, version $version" ]; then
  say "Installing Schemathesis $version"
  rm -rf "$tool"
  python3 -m venv "$tool"
  "$tool/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version"
fi
tool=$(realpath "$tool")

replica=http://127.0.0.1:$API1_PORT
login=$(jq -n --arg email "$ADMIN_EMAIL" --arg password "$ADMIN_PASSWORD" '$ARGS.named')
token=$(curl -fsS "$replica/api/sessions" -H 'Content-Type: application/json' -d "$login" | jq -r .token)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Logging out would end the run; what the tool remembers of a run goes with it.
cd "$work"
"$tool/bin/schemathesis" run "$replica/api/openapi.json" -H "Authorization: Bearer $token" --no-color --warnings off \
  --phases examples,coverage,fuzzing --max-examples 100 --max-time "$seconds" --seed "$seed" --generation-database none \
  --exclude-path /api/sessions/current --continue-on-failure \
  --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,response_headers_conformance
cd "$root"
CARTWRIGHT__ACCESS=open CARTWRIGHT__LOG__LEVEL=error CARTWRIGHT__DATABASE__URL=$DATABASE_URL "$BIN" doctor
