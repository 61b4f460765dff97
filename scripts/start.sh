#!/usr/bin/env bash
# The shortest way to a shop: one process with its own Postgres in ./data, the demo catalogue, http://localhost:8080
#
#   ./scripts/start.sh       installs what is missing, builds, runs. Ctrl-C stops it; the data stays.
#
# Access is open, for trying it out, so it listens on this machine only. PORT=8081 chooses another port, DATA_DIR=DIR another
# folder, BIN=PATH an existing binary. There are no metrics, whose port would be the same for two shops, unless
# CARTWRIGHT__METRICS__BIND=127.0.0.1:9090 asks for them.
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"
case ${1:-} in -h | --help) usage; exit ;; esac

"$root/scripts/install-deps.sh"
cd "$root"
if [ -z "${BIN:-}" ]; then
  cargo build --release -p api
  BIN=${CARGO_TARGET_DIR:-target}/release/cartwright
fi
export CARTWRIGHT__ACCESS=${CARTWRIGHT__ACCESS:-open}
export CARTWRIGHT__HTTP__BIND=${CARTWRIGHT__HTTP__BIND:-127.0.0.1:${PORT:-8080}}
export CARTWRIGHT__METRICS__BIND=${CARTWRIGHT__METRICS__BIND-}
export CARTWRIGHT__ADMIN__EMAIL=${CARTWRIGHT__ADMIN__EMAIL:-admin@example.com}
export CARTWRIGHT__ADMIN__PASSWORD=${CARTWRIGHT__ADMIN__PASSWORD:-demo-admin-password}
export CARTWRIGHT__MEDIA__DIRECTORY=${CARTWRIGHT__MEDIA__DIRECTORY:-${DATA_DIR:-./data}/media}
exec "$BIN" serve --embedded "${DATA_DIR:-./data}" --demo
