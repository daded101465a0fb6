#!/usr/bin/env bash
# Measures searching with a release build on loopback: how long answers take, what the index costs, how fast it is made
# anew, and how late it is while people talk.
#
#   cargo build --release -p palabre
#   docs/benchmarks/search.sh OUTPUT_FOLDER [postgres://…]
#
# MESSAGES=10000000 for another number, CONNECTIONS=4 for more who ask at a time. The figures go to OUTPUT_FOLDER as JSON
# and text; the data are removed at the end.
usual_port=18082
source "$(dirname "$0")/one-server.sh"
messages=${MESSAGES:-1000000}
connections=${CONNECTIONS:-1}
unlimited SEARCHES_PER_MINUTE SEARCH_BURST
start

follower() { curl -fs "http://127.0.0.1:$port/metrics" | grep '^palabre_follower' | sed "s/^/$1: /" | tee -a "$out/follower.txt"; }

: > "$out/follower.txt"
measure fill search --messages "$messages" --fill --sought words --connections "$connections"
for sought in words operators frequent nothing best completion; do
  measure "$sought" search --messages "$messages" --sought $sought --connections "$connections"
done

# Sends beside the index: by itself, and while the index is made anew.
measure send w2 --rate "${RATE:-2000}"
follower "after sending"
"$palabre" search rebuild
follower "emptied"
measure send-while-rebuilding w2 --rate "${RATE:-2000}"
follower "while it is made anew"
"$palabre" search status | tee -a "$out/follower.txt"

stop
"$palabre" bench index --database "${database:-sqlite:$data/palabre.db}" --json "$out/index.json" | tee "$out/index.txt"
