#!/usr/bin/env bash
# Measures files with a release build on loopback: memory for each transfer up and down, a member's sends beside a hundred
# of them, and one download after another, in turn with nginx on the same disk.
#
#   cargo build --release -p palabre
#   docs/benchmarks/files.sh OUTPUT_FOLDER [postgres://…]
#
# TRANSFERS=10 for another number, BYTES=1000000 for another size. Needs nginx (Debian's package). The figures go to
# OUTPUT_FOLDER as JSON and text; the data are removed at the end.
set -euo pipefail
cd "$(dirname "$0")/../.."
palabre=${PALABRE:-target/release/palabre}
out=${1:?usage: files.sh OUTPUT_FOLDER [DATABASE_URL]}
database=${2:-}
port=${PORT:-18083}
other=${OTHER_PORT:-18084}
bytes=${BYTES:-10000000}
transfers=${TRANSFERS:-100}
mkdir -p "$out"
out=$(realpath "$out")
data=$(mktemp -d "$out/data.XXXXXX")
chmod 755 "$data"
secret=$(head -c 32 /dev/urandom | base64 | tr -dc 'a-zA-Z0-9')
server=
nginx=
trap 'for one in $server $nginx; do kill $one 2> /dev/null; wait $one || true; done; rm -rf "$data"' EXIT

export PALABRE_DATA__DIR=$data/palabre ${database:+PALABRE_DATABASE__URL="$database"}
export PALABRE_AUTH__JWT_SECRET=$secret PALABRE_AUTH__HOST_CREATE_USERS=true PALABRE_LIMITS__FILE_BYTES=1000000000
for limit in MESSAGES_PER_MINUTE MESSAGE_BURST REQUESTS_PER_MINUTE REQUEST_BURST UPLOADS_PER_MINUTE UPLOAD_BURST; do
  export "PALABRE_LIMITS__$limit=1000000000"
done
for limit in UNAUTHENTICATED_PER_ADDRESS CONNECTIONS_PER_ADDRESS UNAUTHENTICATED_CONNECTIONS \
  UNAUTHENTICATED_CONNECTIONS_PER_ADDRESS CONNECTIONS_PER_USER; do
  export "PALABRE_LIMITS__$limit=1000000"
done

# nginx as it is delivered: sendfile, one worker for each core.
mkdir "$data/www"
head -c "$bytes" /dev/zero | tr '\0' a > "$data/www/file"
cat > "$data/nginx.conf" << EOT
worker_processes auto;
daemon off;
pid $data/nginx.pid;
error_log $data/nginx.log;
events { worker_connections 1024; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  client_body_temp_path $data/1; proxy_temp_path $data/2; fastcgi_temp_path $data/3; uwsgi_temp_path $data/4; scgi_temp_path $data/5;
  server { listen 127.0.0.1:$other; root $data/www; }
}
EOT
nginx -p "$data" -c "$data/nginx.conf" 2> /dev/null &
nginx=$!

ulimit -n "$(ulimit -Hn)"
"$palabre" serve --listen "127.0.0.1:$port" > "$out/server.log" 2>&1 &
server=$!
for _ in $(seq 100); do
  curl -fs "http://127.0.0.1:$port/ready" > /dev/null && curl -fs "http://127.0.0.1:$other/file" > /dev/null && break
  sleep 0.1
done
PALABRE_BENCH_SECRET=$secret "$palabre" bench files --bytes "$bytes" --transfers "$transfers" \
  --against "http://127.0.0.1:$other/file" --url "ws://127.0.0.1:$port/v1/ws" --server-pid $server \
  --json "$out/files.json" | tee "$out/files.txt"
