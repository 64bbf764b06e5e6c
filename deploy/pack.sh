#!/usr/bin/env bash
# Packs a commit for deploy.sh: waybill-<commit>.tar.gz with its checksum, into the folder it is called from.
# Usage: deploy/pack.sh [commit]     HEAD when none is named
set -euo pipefail

commit=$(git rev-parse --short=12 "${1:-HEAD}^{commit}")
artefact=waybill-$commit.tar.gz
git archive --format=tar.gz --output="$artefact" "$commit"
sha256sum "$artefact" >"$artefact.sha256"
echo "$artefact"
