# shellcheck shell=bash disable=SC2034,SC2154
# How every measurement of one server begins; sourced by run.sh, search.sh and files.sh with their own arguments. It sets
# `palabre`, `out`, `database`, `port` (PORT, else what the script asks for), `data` and `secret`, and gives `start`,
# `stop`, `unlimited` and `measure`. The data are removed at the end.
set -euo pipefail
script=$(basename "$0")
cd "$(dirname "$0")/../.."
palabre=${PALABRE:-target/release/palabre}
out=$(mkdir -p "${1:?usage: $script OUTPUT_FOLDER [DATABASE_URL]}" && realpath "$1")
database=${2:-}
port=${PORT:-$usual_port}
data=$(mktemp -d "$out/data.XXXXXX")
secret=$(head -c 32 /dev/urandom | base64 | tr -dc 'a-zA-Z0-9')
server=

# unlimited LIMIT…: nobody is slowed down for measuring.
unlimited() { for limit in "$@"; do export "PALABRE_LIMITS__$limit=1000000000"; done; }
unlimited MESSAGES_PER_MINUTE MESSAGE_BURST REQUESTS_PER_MINUTE REQUEST_BURST
for limit in UNAUTHENTICATED_PER_ADDRESS CONNECTIONS_PER_ADDRESS UNAUTHENTICATED_CONNECTIONS \
  UNAUTHENTICATED_CONNECTIONS_PER_ADDRESS CONNECTIONS_PER_USER; do
  export "PALABRE_LIMITS__$limit=1000000"
done
export PALABRE_DATA__DIR=$data ${database:+PALABRE_DATABASE__URL="$database"}
export PALABRE_AUTH__JWT_SECRET=$secret PALABRE_AUTH__HOST_CREATE_USERS=true

ulimit -n "$(ulimit -Hn)"
start() {
  "$palabre" serve --listen "127.0.0.1:$port" >> "$out/server.log" 2>&1 &
  server=$!
  for _ in $(seq 100); do curl -fs "http://127.0.0.1:$port/ready" > /dev/null && break; sleep 0.1; done
}
stop() {
  [ -z "$server" ] || { kill "$server" 2> /dev/null || true; wait "$server" || true; }
  server=
}
trap 'stop; rm -rf "$data"' EXIT

# measure NAME WORK…: one work of `palabre bench`; its figures are NAME.json and NAME.txt.
measure() {
  local name=$1
  shift
  PALABRE_BENCH_SECRET=$secret "$palabre" bench "$@" --url "ws://127.0.0.1:$port/v1/ws" --server-pid "$server" \
    --json "$out/$name.json" | tee "$out/$name.txt"
}
