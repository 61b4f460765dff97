# Rows with the medians of their samples, and whether each met its target.
def median: sort | if length == 0 then null elif length % 2 == 1 then .[length / 2 | floor] else (.[length / 2 - 1] + .[length / 2]) / 2 end;
def side($row; $side): [$samples[] | select(.row == $row and .side == $side)];
def met($target; $ratio; $value):
  if $target == "" then null
  else ($target | split(" ")) as [$what, $how, $bound]
  | (if $what == "ratio" then $ratio else $value end) as $figure
  | if $figure == null then false
    elif $how == ">=" then $figure >= ($bound | tonumber)
    elif $how == "<=" then $figure <= ($bound | tonumber)
    else $figure == ($bound | tonumber) end
  end;
{
  $machine, $rounds, $seconds,
  rows: [$rows[] | . as $row
    | side($row.id; "ours") as $ours | side($row.id; "limit") as $limit
    | ($ours | map(.value) | median) as $value
    | ($limit | map(.value) | median) as $beside
    # The median of what each round showed: what else the machine did met both runs of a round.
    | (if ($limit | length) == 0 then null
       elif ($limit | length) == ($ours | length) then [range(0; $ours | length) | $ours[.].value / ([$limit[.].value, 1e-9] | max)] | median
       else $value / $beside end) as $ratio
    | $row + {
        value: $value, limitValue: $beside, ratio: $ratio,
        # No answer, or another than was asked for; a 503 is how overload is answered.
        failed: ($ours | map((.failed // 0) + ((.refused // {}) | del(.["503"]) | add // 0)) | add // 0),
        met: met($row.target; $ratio; $value),
        lowest: ($ours | map(.value) | min), highest: ($ours | map(.value) | max),
        cpuMsPerRequest: (if ($ours | any(.cpuMsPerRequest)) then
          {api: ($ours | map(.cpuMsPerRequest.api) | median), postgres: ($ours | map(.cpuMsPerRequest.postgres) | median),
           nginx: ($ours | map(.cpuMsPerRequest.nginx) | median)} else null end),
        samples: {ours: ($ours | map(del(.row, .side, .bySecond))), limit: ($limit | map(del(.row, .side, .bySecond)))}
      }]
}
