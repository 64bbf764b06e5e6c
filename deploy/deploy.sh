#!/usr/bin/env bash
# Brings a release into service on this machine, or leaves the one before it serving and says why.
#
#   deploy.sh waybill-<commit>.tar.gz     as deploy/pack.sh makes it, its .sha256 beside it
#   deploy.sh --rollback                  back to the release that served before
#
# Unpack and build in releases/<commit>, check and apply its migrations, boot it on a spare port; only then point `current` to it and restart the
# replicas one by one, each watched until it answers as the new commit ten times in a row. If one does not: `current` back, restart, watch again.
# Killed at any point it leaves a whole release serving; call it again.
#
# How it ended:
#    0  the release serves
#    2  called wrongly
#    3  another deployment is running
#    4  the artefact is not what its checksum says
#    5  the build failed
#    6  a migration would break the version that is running (not expand-only)
#    7  a migration failed
#    8  it did not become healthy on the spare port
#    9  it did not become healthy in service; the release before it serves again, verified
#   10  the same, but the release before it could not be verified either: look now
#
# Set by the environment:
set -euo pipefail
base=${WAYBILL_BASE:-/opt/waybill}                            # releases/, current, verified, previous
environment=${WAYBILL_ENVIRONMENT:-/etc/waybill/waybill.env}  # NAME=value lines, as systemd reads them
replicas=${WAYBILL_REPLICAS:-waybill=http://127.0.0.1:3000}   # unit=url …, restarted in this order
restart=${WAYBILL_RESTART:-systemctl restart}                 # the unit is added
account=${WAYBILL_ACCOUNT-nobody}                             # builds, migrates and tries when we are root; blank = root
spare_port=${WAYBILL_SPARE_PORT:-3999}
health_seconds=${WAYBILL_HEALTH_SECONDS:-60}                  # how long a process may take until it is healthy
poll_seconds=${WAYBILL_POLL_SECONDS:-0.5}
keep=${WAYBILL_KEEP:-5}                                       # releases kept beside those in use

in_a_row=10

say() { printf '%s %s\n' "$(date -u +%FT%TZ)" "$*"; }

fail() {
  local code=$1
  shift
  say "FAILED ($code): $*"
  exit "$code"
}

main() {
  [[ $# == 1 ]] || usage
  mkdir -p "$base/releases" "$base/dependencies"
  # 9 is closed for whatever outlives us, or the lock would, too.
  exec 9>"$base/deploy.lock"
  flock -n 9 || fail 3 "another deployment is running"
  if [[ $1 == --rollback ]]; then roll_back_by_hand; else deploy "$1"; fi
}

usage() {
  sed -n '4,5s/^# *//p' "$0" >&2
  exit 2
}

deploy() {
  local artefact=$1 commit
  commit=$(commit_of "$artefact")
  verify "$artefact"
  build "$artefact" "$commit"
  require_expand_only "$commit"
  migrate "$commit"
  try_on_spare_port "$commit"
  put_into_service "$commit"
  prune
  say "$commit serves"
}

commit_of() {
  [[ $(basename "$1") =~ ^waybill-([0-9a-f]{7,40})\.tar\.gz$ ]] || usage
  echo "${BASH_REMATCH[1]}"
}

verify() {
  say "checking $1"
  (cd "$(dirname "$1")" && sha256sum --status --strict -c "$(basename "$1").sha256") || fail 4 "$1 does not have the checksum in $1.sha256"
}

# A release has its name only when it is whole: one that was cut short is made again.
build() {
  local artefact=$1 release=$base/releases/$2 part=$base/releases/$2.part
  [[ -d $release ]] && say "$2 is built already" && return
  say "building $2"
  rm -rf "$part"
  mkdir "$part"
  tar -xzf "$artefact" -C "$part" --no-same-owner || fail 4 "$artefact cannot be unpacked"
  give_to_account "$part"
  dependencies "$part" || fail 5 "npm ci failed"
  (cd "$part" && as_account npm run --silent build -- --commit "$2") || fail 5 "the build of $2 failed"
  (cd "$part" && as_account npm prune --loglevel error --omit=dev --ignore-scripts --no-audit --no-fund) || fail 5 "npm prune failed"
  mv "$part" "$release"
}

# Installed once for each lockfile; a release gets them by hard links.
dependencies() {
  local part=$1 kept
  kept=$base/dependencies/$({ node --version && cat "$part/package-lock.json"; } | sha256sum | cut -c1-16)
  [[ -d $kept ]] || install_dependencies "$part" "$kept" || return
  touch "$kept"
  # The second, because npm writes this one file in place.
  as_account cp -al "$kept/node_modules" "$part/node_modules" &&
    as_account cp --remove-destination "$kept/node_modules/.package-lock.json" "$part/node_modules/.package-lock.json"
}

install_dependencies() {
  rm -rf "$2.part" && mkdir "$2.part" && cp "$1/package.json" "$1/package-lock.json" "$2.part" && give_to_account "$2.part" &&
    (cd "$2.part" && as_account npm ci --loglevel error --ignore-scripts --prefer-offline --no-audit --no-fund) && mv "$2.part" "$2"
}

# The version that runs has to live with the new schema, before the switch and after a rollback.
require_expand_only() {
  local verified new faults
  verified=$(release_of verified)
  [[ -n $verified ]] || return 0
  new=$(comm -13 <(migrations_of "$verified") <(migrations_of "$1"))
  [[ -n $new ]] || return 0
  faults=$(cd "$base/releases/$1/dist" && for file in $new; do contractions "$file"; done)
  [[ -z $faults ]] || fail 6 "$verified could not live with this schema; remove it a release later:"$'\n'"$faults"
}

migrations_of() { (cd "$base/releases/$1/dist" && find . -path '*/migrations/*.sql' | sort); }

contractions() {
  sed 's/--.*//' "$1" |
    { grep -niE '\b(drop +(table|column|schema|view)|rename +(to|column|constraint)|set +not +null|truncate +table|alter +column +[a-z_"]+ +(set +data +)?type)\b' || true; } |
    sed "s|^|$1:|"
}

migrate() {
  say "migrating for $1"
  (in_release "$1" MIGRATE=only) || fail 7 "the migration of $1 failed; nothing of it was kept"
}

# As web only: jobs and deliveries are not for a release that nobody has seen yet.
try_on_spare_port() {
  local pid log=$base/preflight.log status=0
  say "trying $1 on port $spare_port"
  end_leftover
  : >"$log"
  { echo "$BASHPID" >"$base/preflight.pid" && in_release "$1" ROLE=web WORKERS=1 MIGRATE=off HOST=127.0.0.1 PORT="$spare_port" DRAIN_DELAY_MS=0; } >"$log" 2>&1 9>&- &
  pid=$!
  is_healthy "http://127.0.0.1:$spare_port" "$1" "$pid" || status=8
  kill -TERM "$pid" 2>/dev/null || true
  wait "$pid" || status=8
  [[ $status == 0 ]] && return
  tail -n 20 "$log"
  fail 8 "$1 did not become healthy on the spare port; its last lines are above"
}

# A deployment that was killed before its trial knew whose child it is has left it on the port.
end_leftover() {
  local pid
  pid=$(cat "$base/preflight.pid" 2>/dev/null) || return 0
  while grep -qzx "PORT=$spare_port" "/proc/$pid/environ" 2>/dev/null; do
    kill -KILL "$pid" 2>/dev/null || true
    sleep 0.1
  done
}

put_into_service() {
  local before
  before=$(release_of verified)
  switch_to "$1"
  if restart_all "$1"; then
    [[ $before == "$1" || -z $before ]] || point previous "$before"
    point verified "$1"
    return
  fi
  [[ -n $before ]] || fail 10 "$1 is not healthy, and there is no release before it"
  say "back to $before"
  switch_to "$before"
  restart_all "$before" || fail 10 "$1 was not healthy, and $before is not healthy either"
  fail 9 "$1 was not healthy; $before serves again"
}

roll_back_by_hand() {
  local previous
  previous=$(release_of previous)
  [[ -n $previous ]] || fail 2 "there is no release to go back to"
  try_on_spare_port "$previous"
  put_into_service "$previous"
  say "$previous serves"
}

restart_all() {
  local commit=$1 replica
  for replica in $replicas; do
    say "restarting ${replica%%=*}"
    # Whether it did is seen by asking. $restart is a command with its arguments.
    # shellcheck disable=SC2086
    $restart "${replica%%=*}" 9>&- || say "$restart ${replica%%=*} ended with $?"
    is_healthy "${replica#*=}" "$commit" || return 1
  done
}

# Ten times in a row ready, as this commit, and by a process that was there when we began to count: one that dies and is made again starts over.
is_healthy() {
  local url=$1 commit=$2 pid=${3-} deadline=$((SECONDS + health_seconds)) good=0 begun=0
  while ((SECONDS < deadline)); do
    if [[ -n $pid ]] && ! kill -0 "$pid" 2>/dev/null; then
      say "it ended" && return 1
    fi
    if is_good "$url" "$commit" "$begun"; then
      ((good++)) || begun=$(now_ms)
      ((good < in_a_row)) || return 0
    else
      good=0 begun=0
    fi
    sleep "$poll_seconds"
  done
  say "$url was not healthy as $commit within $health_seconds s"
  return 1
}

is_good() {
  local told uptime_ms
  curl -fsS -o /dev/null --max-time 3 "$1/ready" 2>/dev/null || return
  told=$(curl -fsS --max-time 3 "$1/version" 2>/dev/null) || return
  [[ $told =~ \"commit\":\"$2\" && $told =~ \"uptimeMs\":([0-9]+) ]] || return
  uptime_ms=${BASH_REMATCH[1]}
  (($3 == 0 || $(now_ms) - uptime_ms <= $3))
}

now_ms() { date +%s%3N; }

# Becomes the server of a release, with the configuration of the service and NAME=value …; no secret is among the arguments.
in_release() {
  local line setting
  cd "$base/releases/$1" || exit
  shift
  while IFS= read -r line; do
    if [[ $line =~ ^[A-Z_][A-Z0-9_]*= ]]; then export "${line?}"; fi
  done <"$environment"
  for setting in "$@"; do export "${setting?}"; done
  become_account node dist/server.js
}

as_account() { (become_account "$@"); }

# What we started ends when we are killed: nothing stays on the spare port.
become_account() {
  [[ $(id -u) == 0 && -n $account ]] || exec setpriv --pdeathsig TERM "$@"
  HOME=$base/home exec setpriv --pdeathsig TERM --reuid "$account" --regid "$(id -g "$account")" --clear-groups "$@"
}

give_to_account() {
  [[ $(id -u) == 0 && -n $account ]] || return 0
  mkdir -p "$base/home"
  chown "$account" "$base/home"
  chown -R "$account" "$1"
}

switch_to() { point current "$1"; }

# In one step: there is no moment without it.
point() {
  ln -sfn "releases/$2" "$base/$1.new"
  mv -T "$base/$1.new" "$base/$1"
}

release_of() { if [[ -L $base/$1 ]]; then basename "$(readlink "$base/$1")"; fi; }

prune() {
  local in_use name
  in_use=" $(release_of current) $(release_of verified) $(release_of previous) "
  rm -rf "${base:?}"/releases/*.part
  while read -r name; do
    [[ $in_use == *" $name "* ]] || echo "$name"
  done < <(ls -1t "$base/releases") | tail -n "+$((keep + 1))" | while read -r name; do
    say "removing $name"
    rm -rf "${base:?}/releases/$name"
  done
  # Releases have links of their own to these files.
  # shellcheck disable=SC2012
  while read -r name; do rm -rf "${base:?}/dependencies/$name"; done < <(ls -1t "$base/dependencies" | tail -n +3)
}

main "$@"
