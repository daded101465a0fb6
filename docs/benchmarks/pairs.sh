#!/usr/bin/env bash
# Compares two builds: the same works with each, in turn, so that what the machine does besides falls on both.
#
#   docs/benchmarks/pairs.sh OUTPUT_FOLDER BEFORE AFTER [postgres://…]
#
# BEFORE and AFTER are programs. PAIRS=7 says how many, WORKS="w1c w3c" with what. An older program that does not know
# all settings of this script wants its own: RUN_BEFORE=/its/own/docs/benchmarks/run.sh.
# The medians are printed, with the least and the most of each build; worse is only what lies beyond that.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:?usage: pairs.sh OUTPUT_FOLDER BEFORE AFTER [DATABASE_URL]}
before=$(realpath "${2:?no program}") after=$(realpath "${3:?no program}")
database=${4:-}
mkdir -p "$out"
out=$(realpath "$out")

measure() {
  local name=$1 run=$2 program=$3
  PALABRE=$program WORKS=$WORKS "$run" "$out/$name" $database > "$out/$name.log" 2>&1 || echo "$name failed: see $out/$name.log" >&2
}

export WORKS=${WORKS:-w4 w1c w2c w3c w6}
for pair in $(seq "${PAIRS:-7}"); do
  # Whoever is first in one pair is second in the next.
  order=(before after)
  if ((pair % 2 == 0)); then order=(after before); fi
  for which in "${order[@]}"; do
    if [ "$which" = before ]; then measure "before-$pair" "${RUN_BEFORE:-$here/run.sh}" "$before"
    else measure "after-$pair" "$here/run.sh" "$after"; fi
  done
done

python3 - "$out" <<'PYTHON'
import glob, json, os, statistics, sys

FIGURES = {
    "deliveries_per_cpu_second": "deliveries per server CPU-second",
    "acked_per_second": "messages acked/s",
    "requests_per_cpu_second": "requests per server CPU-second",
    "rss_per_connection": "bytes of memory for each connection",
    "rss_per_connection_after_large_frames": "the same after large frames",
}
runs = {}
for path in sorted(glob.glob(os.path.join(sys.argv[1], "*-*", "*.json"))):
    which = os.path.basename(os.path.dirname(path)).split("-")[0]
    work = os.path.basename(path)[:-5]
    with open(path) as file:
        report = json.load(file)
    figures = {name: report.get(key) for key, name in FIGURES.items()}
    figures["ms until all had caught up"] = (report.get("catch_up") or {}).get("max_ms")
    figures["server CPU-seconds"] = report.get("server_cpu_seconds") if report.get("catch_up") else None
    for name, value in figures.items():
        if value is not None:
            runs.setdefault((work, name), {}).setdefault(which, []).append(value)
print("| work | figure | before: median (least to most) | after | after / before |\n|---|---|---|---|---|")
for (work, name), of in sorted(runs.items()):
    cells = []
    for which in ("before", "after"):
        values = of.get(which, [])
        digits = 2 if values and max(values) < 10 else 0
        told = [f"{value:,.{digits}f}" for value in (statistics.median(values), min(values), max(values))] if values else []
        cells.append(f"{told[0]} ({told[1]} to {told[2]})" if told else "–")
    ratio = "–"
    if len(of) == 2:
        ratio = f"{statistics.median(of['after']) / statistics.median(of['before']):.2f}"
    print(f"| {work} | {name} | {cells[0]} | {cells[1]} | {ratio} |")
PYTHON
