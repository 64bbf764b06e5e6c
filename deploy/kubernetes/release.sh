#!/bin/sh
# Rolls an image out, one by one: the schema first, then the processes; what does not become ready is taken back. Ends with 0 when it serves.
set -eu
image=${1:?the image with its tag, like registry.example/waybill:0.1.0}
cd "$(dirname "$0")/overlays"
namespace=waybill
deployments="waybill-web waybill-worker"

if [ -n "${KUBECONFIG_DATA:-}" ]; then
  KUBECONFIG=$(mktemp)
  export KUBECONFIG
  trap 'rm -f "$KUBECONFIG"' EXIT
  printf '%s' "$KUBECONFIG_DATA" >"$KUBECONFIG"
fi

render() {
  kubectl kustomize "$1" | sed "s#image: registry.example/waybill:.*#image: $image#"
}
undo() {
  for deployment in $deployments; do kubectl rollout undo --namespace "$namespace" "deployment/$deployment"; done
  echo "$image is not ready: the version before it is back" >&2
  exit 1
}

# A job cannot be changed, only made anew.
kubectl delete job --namespace "$namespace" --ignore-not-found waybill-migration
render migration | kubectl apply --filename -
kubectl wait --namespace "$namespace" --for=condition=complete --timeout=900s job/waybill-migration || {
  echo "the migration of $image did not complete: nothing else was changed" >&2
  exit 1
}
render rolling | kubectl apply --filename -
for deployment in $deployments; do
  kubectl rollout status --namespace "$namespace" --timeout=300s "deployment/$deployment" || undo
done
echo "$image serves"
