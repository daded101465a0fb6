#!/usr/bin/env bash
# Measures files with a release build on loopback: memory for each transfer up and down, a member's sends beside a hundred
# of them, and one download after another, in turn with nginx on the same disk.
#
#   cargo build --release -p palabre
#   docs/benchmarks/files.sh OUTPUT_FOLDER [postgres://…]
#
# TRANSFERS=10 for another number, BYTES=1000000 for another size. Needs nginx (Debian's package). The figures go to
# OUTPUT_FOLDER as JSON and text; the data are removed at the end.
usual_port=18083
source "$(dirname "$0")/one-server.sh"
other=${OTHER_PORT:-18084}
bytes=${BYTES:-10000000}
transfers=${TRANSFERS:-100}
unlimited UPLOADS_PER_MINUTE UPLOAD_BURST FILE_BYTES
chmod 755 "$data"
export PALABRE_DATA__DIR=$data/palabre
nginx=
trap 'stop; [ -z "$nginx" ] || { kill $nginx 2> /dev/null; wait $nginx || true; }; rm -rf "$data"' EXIT

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

start
for _ in $(seq 100); do curl -fs "http://127.0.0.1:$other/file" > /dev/null && break; sleep 0.1; done
measure files files --bytes "$bytes" --transfers "$transfers" --against "http://127.0.0.1:$other/file"
