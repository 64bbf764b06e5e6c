#!/bin/sh
# Makes every secret of compose.yaml that is not there yet, and tells none. Only this account can enter the folder; the containers' accounts read the files.
set -eu
cd "$(dirname "$0")"
umask 077
mkdir -p secrets
cd secrets

random() { head -c 32 /dev/urandom | base64 | tr -d '\n=' | tr '+/' '-_'; }
make() { # name, content
  [ -e "$1" ] || { printf '%s' "$2" >"$1.new" && chmod 0444 "$1.new" && mv "$1.new" "$1" && echo "made $1"; }
}

for name in postgres-password database-password jwt-secret metrics-token test-provider-secret grafana-password; do
  make "$name" "$(random)"
done
make database-url "postgresql://waybill:$(cat database-password)@postgres:5432/waybill"
make redis.conf "requirepass $(random)
save \"\"
maxmemory 64mb
maxmemory-policy volatile-ttl
"
make redis-url "redis://:$(sed -n 's/^requirepass //p' redis.conf)@redis:6379/0"
