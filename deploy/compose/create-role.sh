#!/bin/sh
# Run once, on an empty database server: the application's own role, which owns its database and is nothing more.
set -eu
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres --set password="$(cat "$ROLE_PASSWORD_FILE")" <<'SQL'
CREATE ROLE waybill LOGIN PASSWORD :'password';
CREATE DATABASE waybill OWNER waybill;
SQL
