#!/usr/bin/env bash
# Measures one node, two and three on a PostgreSQL and a Redis of its own, one after another, on loopback.
#
#   cargo build --release -p palabre
#   docs/benchmarks/nodes.sh OUTPUT_FOLDER
#
# The figures go to OUTPUT_FOLDER as JSON and text. ROUNDS=3 repeats all of it, so that medians can be taken.
# RUNS="w3c:1 w1c:2" measures only those: a work, and on how many nodes.
set -euo pipefail
cd "$(dirname "$0")/../.."
palabre=$(realpath "${PALABRE:-target/release/palabre}")
out=$(mkdir -p "${1:?usage: nodes.sh OUTPUT_FOLDER}" && realpath "$1")
port=${PORT:-18180}
PATH=$PATH:/usr/sbin:$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
folder=$(mktemp -d) && chmod 711 "$folder"
secret() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
as_postgres() { if [ "$(id -u)" = 0 ]; then (cd / && setpriv --reuid=postgres --regid=postgres --clear-groups "$@"); else "$@"; fi; }
stop_nodes() { for pid in "${pids[@]}"; do kill "$pid" 2> /dev/null; wait "$pid" || true; done; pids=(); }
stop_all() {
  set +e
  stop_nodes
  kill "$redis"
  as_postgres pg_ctl -D "$folder/postgres" -m fast stop
  rm -rf "$folder"
} > /dev/null 2>&1
pids=()
trap stop_all EXIT

password=$(secret)
mkdir "$folder/postgres" && echo "$password" > "$folder/password"
[ "$(id -u)" != 0 ] || chown postgres "$folder/postgres" "$folder/password"
as_postgres initdb -D "$folder/postgres" -U palabre --pwfile="$folder/password" --auth=scram-sha-256 --encoding=UTF8 \
  --locale=C > /dev/null
as_postgres pg_ctl -D "$folder/postgres" -w -l "$folder/postgres/log" -o "-h 127.0.0.1 -p $port -k $folder/postgres" start > /dev/null
redis-server --bind 127.0.0.1 --port $((port + 9)) --save '' --appendonly no --dir "$folder" > /dev/null &
redis=$!

token_secret=$(secret)
ulimit -n "$(ulimit -Hn)"
# start COUNT: so many nodes on a fresh database.
start() {
  database=nodes_$1_$RANDOM$RANDOM
  PGPASSWORD=$password createdb -h 127.0.0.1 -p "$port" -U palabre "$database"
  urls=() pids=()
  for node in $(seq "$1"); do
    PALABRE_AUTH__JWT_SECRET=$token_secret PALABRE_AUTH__HOST_CREATE_USERS=true \
      PALABRE_DATABASE__URL=postgres://palabre:$password@127.0.0.1:$port/$database \
      PALABRE_REDIS__URL=redis://127.0.0.1:$((port + 9)) \
      PALABRE_LIMITS__MESSAGES_PER_MINUTE=1000000000 PALABRE_LIMITS__MESSAGE_BURST=1000000000 \
      PALABRE_LIMITS__REQUESTS_PER_MINUTE=1000000000 PALABRE_LIMITS__REQUEST_BURST=1000000000 \
      PALABRE_LIMITS__UNAUTHENTICATED_PER_ADDRESS=1000000 PALABRE_LIMITS__CONNECTIONS_PER_ADDRESS=1000000 \
      PALABRE_LIMITS__UNAUTHENTICATED_CONNECTIONS=1000000 \
      PALABRE_LIMITS__UNAUTHENTICATED_CONNECTIONS_PER_ADDRESS=1000000 \
      "$palabre" serve --listen "127.0.0.1:$((port + node))" --data-dir "$folder/node-$node" > "$folder/node-$node.log" 2>&1 &
    pids+=($!)
    for _ in $(seq 200); do curl -fs "http://127.0.0.1:$((port + node))/ready" > /dev/null && break; sleep 0.1; done
    urls+=(--url "ws://127.0.0.1:$((port + node))/v1/ws" --server-pid "${pids[-1]}")
  done
}
# measure NAME COUNT WORK…
measure() {
  local name=$1 count=$2
  shift 2
  start "$count"
  PALABRE_BENCH_SECRET=$token_secret "$palabre" bench "$@" "${urls[@]}" --setting "database=postgres" \
    --setting "nodes=$count" --json "$out/$name.json" > "$out/$name.txt" || echo "$name: see $out/$name.txt" >&2
  stop_nodes
}

for round in $(seq "${ROUNDS:-1}"); do
  for run in ${RUNS:-w2:1 w2:3 w1c:1 w1c:2}; do
    work=${run%:*} count=${run#*:} flags=()
    if [ "$work" = w2 ]; then flags=(--rooms 100 --members 10 --rate 1000); fi
    measure "$work-$count-nodes-$round" "$count" "$work" "${flags[@]}"
  done
done
grep -hE 'p99|per CPU|^work|nodes=' "$out"/*.txt || true
