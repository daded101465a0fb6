#!/usr/bin/env bash
# Measures a release build with every work of `palabre bench`, one after another, on loopback.
#
#   cargo build --release -p palabre
#   docs/benchmarks/run.sh OUTPUT_FOLDER [postgres://…]
#
# The server gets a fresh data folder below OUTPUT_FOLDER; the figures go there as JSON and text.
# WORKS="w1c w3c" runs only those.
set -euo pipefail
cd "$(dirname "$0")/../.."
palabre=${PALABRE:-target/release/palabre}
out=${1:?usage: run.sh OUTPUT_FOLDER [DATABASE_URL]}
database=${2:-}
port=${PORT:-18081}
mkdir -p "$out"
data=$(mktemp -d "$out/data.XXXXXX")
secret=$(head -c 32 /dev/urandom | base64 | tr -dc 'a-zA-Z0-9')

ulimit -n "$(ulimit -Hn)"
start() {
  PALABRE_AUTH__JWT_SECRET=$secret PALABRE_AUTH__HOST_CREATE_USERS=true \
    PALABRE_LIMITS__MESSAGES_PER_MINUTE=1000000000 PALABRE_LIMITS__MESSAGE_BURST=1000000000 \
    PALABRE_LIMITS__REQUESTS_PER_MINUTE=1000000000 PALABRE_LIMITS__REQUEST_BURST=1000000000 \
    PALABRE_LIMITS__UNAUTHENTICATED_PER_ADDRESS=1000000 PALABRE_LIMITS__CONNECTIONS_PER_ADDRESS=1000000 \
    PALABRE_LIMITS__UNAUTHENTICATED_CONNECTIONS=1000000 PALABRE_LIMITS__CONNECTIONS_PER_USER=1000000 \
    PALABRE_LIMITS__UNAUTHENTICATED_CONNECTIONS_PER_ADDRESS=1000000 \
    "$palabre" serve --listen "127.0.0.1:$port" --data-dir "$data" ${database:+--database-url "$database"} \
    >> "$out/server.log" 2>&1 &
  server=$!
  for _ in $(seq 100); do curl -fs "http://127.0.0.1:$port/ready" > /dev/null && break; sleep 0.1; done
}
stop() { kill $server 2> /dev/null; wait $server || true; }
start
trap 'stop; rm -rf "$data"' EXIT

measure() {
  local name=$1
  shift
  PALABRE_BENCH_SECRET=$secret "$palabre" bench "$@" --url "ws://127.0.0.1:$port/v1/ws" --server-pid $server \
    --json "$out/$name.json" | tee "$out/$name.txt"
}

for work in ${WORKS:-flush w4 w1c w1-100 w1-200 w2c w3c w6 w5}; do
  case $work in
    flush) "$palabre" bench flush --directory "$data" --seconds 5 --json "$out/flush.json" | tee "$out/flush.txt" ;;
    w1-*) measure "$work" w1 --rate "${work#w1-}" ;;
    w5) measure w5 w5 --fill ;;
    list) measure list list --fill ;;
    # What was used for making the conversations is in the server's memory: it is started anew.
    wide) measure wide-fill wide --fill && stop && start && measure wide wide ;;
    *) measure "$work" "$work" ;;
  esac
done
