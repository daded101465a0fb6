#!/usr/bin/env bash
# Measures searching with a release build on loopback: how long answers take, what the index costs, how fast it is made
# anew, and how late it is while people talk.
#
#   cargo build --release -p palabre
#   docs/benchmarks/search.sh OUTPUT_FOLDER [postgres://…]
#
# MESSAGES=10000000 for another number, CONNECTIONS=4 for more who ask at a time. The figures go to OUTPUT_FOLDER as JSON
# and text; the data are removed at the end.
set -euo pipefail
cd "$(dirname "$0")/../.."
palabre=${PALABRE:-target/release/palabre}
out=${1:?usage: search.sh OUTPUT_FOLDER [DATABASE_URL]}
database=${2:-}
port=${PORT:-18082}
messages=${MESSAGES:-1000000}
connections=${CONNECTIONS:-1}
mkdir -p "$out"
data=$(mktemp -d "$out/data.XXXXXX")
secret=$(head -c 32 /dev/urandom | base64 | tr -dc 'a-zA-Z0-9')
server=
trap '[ -z "$server" ] || { kill $server 2> /dev/null; wait $server || true; }; rm -rf "$data"' EXIT

export PALABRE_DATA__DIR=$data ${database:+PALABRE_DATABASE__URL="$database"}
export PALABRE_AUTH__JWT_SECRET=$secret PALABRE_AUTH__HOST_CREATE_USERS=true
for limit in MESSAGES_PER_MINUTE MESSAGE_BURST REQUESTS_PER_MINUTE REQUEST_BURST SEARCHES_PER_MINUTE SEARCH_BURST; do
  export "PALABRE_LIMITS__$limit=1000000000"
done
for limit in UNAUTHENTICATED_PER_ADDRESS CONNECTIONS_PER_ADDRESS UNAUTHENTICATED_CONNECTIONS \
  UNAUTHENTICATED_CONNECTIONS_PER_ADDRESS; do
  export "PALABRE_LIMITS__$limit=1000000"
done

ulimit -n "$(ulimit -Hn)"
"$palabre" serve --listen "127.0.0.1:$port" > "$out/server.log" 2>&1 &
server=$!
for _ in $(seq 100); do curl -fs "http://127.0.0.1:$port/ready" > /dev/null && break; sleep 0.1; done

measure() {
  local name=$1
  shift
  PALABRE_BENCH_SECRET=$secret "$palabre" bench "$@" --url "ws://127.0.0.1:$port/v1/ws" --server-pid $server \
    --json "$out/$name.json" | tee "$out/$name.txt"
}
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

kill $server
wait $server || true
server=
"$palabre" bench index --database "${database:-sqlite:$data/palabre.db}" --json "$out/index.json" | tee "$out/index.txt"
