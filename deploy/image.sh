#!/bin/sh
# Builds the image of this checkout: deploy/image.sh <name:tag> [more options of docker build]; COMMIT and VERSION in the environment overrule what the checkout says.
set -eu
tag=${1:?the name and tag of the image, like waybill:0.1.0}
shift
cd "$(dirname "$0")/.."
exec docker build --tag "$tag" \
  --build-arg COMMIT="${COMMIT:-$(git rev-parse --short=12 HEAD)}" \
  --build-arg VERSION="${VERSION:-}" \
  "$@" .
