# The report for people.
def number: if . == null then "" elif . >= 100 then (round | tostring | [while(. != ""; .[:-3])] | reverse | map(.[-3:]) | join(","))
  elif . >= 10 then (. * 10 | round / 10 | tostring) else (. * 1000 | round / 1000 | tostring) end;
def latency($name): if . == null then "" else "\(.p50 | number) | \(.p99 | number) | \(.p999 | number) | \(.max | number)" end;
.machine as $m
| "# Performance

Written by `./scripts/bench.sh`; [performance.json](performance.json) has every sample. Each figure is the median of \(.rounds) runs of \(.seconds) s, made in
turns with the runs of the limit beside it; the ratio is the median of the rounds' ratios. Load, nginx, two replicas, Postgres (durable) and Redis share
the machine: \($m.cores) cores of \($m.cpu), \($m.memory), \($m.system), \($m.kernel), Postgres \($m.postgres), nginx \($m.nginx), Redis \($m.redis).
Revision \($m.revision), \($m.date).

| what | ours | limit beside it | limit | ratio | target |  |
|---|--:|---|--:|--:|---|---|",
(.rows[] | "| \(.what)\(if .failed > 0 then " (**\(.failed) not answered as they should be**)" else "" end) | \(.value | number) \(.unit) | \(.limit) | \(.limitValue | number) | \(if .ratio then (.ratio | . * 100 | round / 100 | tostring) else "" end) | \(
  .target | sub("ratio "; "") | sub("value "; "") | sub(">="; "≥") | sub("<="; "≤"))\(if .note != "" then " " + .note else "" end) | \(
  if .met == null then "" elif .met then "✅" else "❌" end) |"),
"
## CPU

Milliseconds of CPU for each request, by process.

| what | api | Postgres | nginx |
|---|--:|--:|--:|",
(.rows[] | select(.cpuMsPerRequest) | "| \(.what) | \(.cpuMsPerRequest.api | number) | \(.cpuMsPerRequest.postgres | number) | \(.cpuMsPerRequest.nginx | number) |"),
"
## Latency

Milliseconds, the median over the runs. In the open loop time begins when a request was due, so a stall is charged for all who waited.

| what | p50 | p99 | p99.9 | max |
|---|--:|--:|--:|--:|",
(.rows[] | select(any(.samples.ours[]; .goodMs)) | . as $row
  | [.samples.ours[].goodMs] as $all
  | ["p50", "p99", "p999", "max"] | map(. as $name | [$all[][$name]] | sort | .[length / 2 | floor] | number)
  | "| \($row.what) | \(join(" | ")) |")
