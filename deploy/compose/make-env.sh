#!/bin/sh
# Makes .env with secrets of one's own, for its owner only. Keeps the one that is there.
set -eu
cd "$(dirname "$0")"
if [ -e .env ]; then
    echo ".env is there already; remove it to have new secrets (PostgreSQL keeps its first password)"
    exit 0
fi
# Letters and digits: the secrets stand in URLs.
secret() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
umask 077
cat > .env <<END
PUBLIC_URL=${1:-http://localhost:8080}
HTTP_PORT=8080
POSTGRES_PASSWORD=$(secret)
REDIS_PASSWORD=$(secret)
JWT_SECRET=$(secret)
END
echo "made .env; people will use ${1:-http://localhost:8080}"
