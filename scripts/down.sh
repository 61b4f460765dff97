#!/usr/bin/env bash
# Stops exactly what ./scripts/up.sh started, and nothing else.
#
#   ./scripts/down.sh             the data of Postgres and the logs stay in ./.run for the next up.sh
#   ./scripts/down.sh --purge     ./.run goes too
#
#   RUN_DIR=DIR      the folder given to up.sh
set -euo pipefail
# shellcheck source=scripts/lib.sh
. "$(dirname "$0")/lib.sh"

purge=
case ${1:-} in
  '') ;;
  --purge) purge=yes ;;
  -h | --help) usage; exit ;;
  *) usage >&2; exit 2 ;;
esac

# From the door inwards, so that no request finds the next node gone. QUIT and TERM let requests end; INT is Postgres's
# fast shutdown. The replicas are all asked before the first is waited for.
stop nginx QUIT 30
for file in "$run"/pids/api*; do
  name=$(basename "$file")
  if alive "$name"; then kill -s TERM "$(pid_of "$name")" 2>/dev/null || true; fi
done
for file in "$run"/pids/api*; do stop "$(basename "$file")" TERM 30; done
stop redis TERM 10
stop postgres INT 60

rm -rf "$run"/{pids,ports,nginx,redis,env,replica.env}
if [ -z "$purge" ]; then
  say "Stopped; the data stays in $run."
else
  rm -rf "$run"/{postgres,postgres-password,logs}
  rmdir "$run" 2>/dev/null || true
  say "Stopped; the data is gone."
fi
