// What no schema knows: that manifests fit one another, the program, and its configuration.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../../shared/config/config.ts';
import { health } from '../../../shared/middleware/health.ts';
import { Metrics } from '../../../shared/metrics/metrics.ts';
import type { Manifest } from './kubernetes-schema.ts';
import { exampleSecrets, fileNameOf, isSetting } from './settings.ts';

type Labels = Record<string, string>;
type Probe = { httpGet: { path: string; port: string } };
type Container = {
  image: string;
  env: { name: string; value: string }[];
  envFrom: { configMapRef: { name: string } }[];
  ports?: { name: string }[];
  resources?: { requests?: Labels; limits?: Labels };
  securityContext?: { allowPrivilegeEscalation?: boolean; readOnlyRootFilesystem?: boolean; capabilities?: { drop?: string[] } };
  lifecycle?: { preStop?: { sleep?: { seconds: number } } };
  startupProbe?: Probe;
  livenessProbe?: Probe;
  readinessProbe?: Probe;
}; // prettier-ignore
type PodSpec = {
  containers: [Container];
  securityContext?: { runAsNonRoot?: boolean; runAsUser?: number };
  terminationGracePeriodSeconds?: number;
};
type Workload = Manifest & {
  spec: {
    replicas?: number;
    selector: { matchLabels: Labels };
    strategy: { rollingUpdate?: { maxUnavailable?: number } };
    template: { metadata: { labels: Labels }; spec: PodSpec };
  };
};
type Service = Manifest & { spec: { selector: Labels; ports: { targetPort: string }[] } };
type Budget = Manifest & { spec: { selector: { matchLabels: Labels }; minAvailable: number } };
type Autoscaler = Manifest & { spec: { minReplicas: number; scaleTargetRef: { name: string } } };
type Settings = Manifest & { data: Labels };

/** All that lie in one cluster together, by kind. */
class Cluster {
  readonly deployments: Workload[];
  readonly workloads: Workload[];
  readonly services: Service[];
  readonly budgets: Budget[];
  readonly autoscalers: Autoscaler[];
  readonly settings: Settings[];

  constructor(manifests: Manifest[]) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the schema check came first
    const of = <T extends Manifest>(...kinds: string[]): T[] => manifests.filter(({ kind }) => kinds.includes(kind)) as T[]; // prettier-ignore
    this.deployments = of('Deployment');
    this.workloads = of('Deployment', 'Job');
    this.services = of('Service');
    this.budgets = of('PodDisruptionBudget');
    this.autoscalers = of('HorizontalPodAutoscaler');
    this.settings = of('ConfigMap');
  }

  podsOf(selector: Labels): Workload[] {
    const fits = (labels: Labels) => Object.entries(selector).every(([key, value]) => labels[key] === value);
    return this.deployments.filter(({ spec }) => fits(spec.template.metadata.labels));
  }

  /** How many pods of this deployment there are at least. */
  replicasOf({ metadata, spec }: Workload): number {
    const scaled = this.autoscalers.find((one) => one.spec.scaleTargetRef.name === metadata.name);
    return scaled?.spec.minReplicas ?? spec.replicas ?? 1;
  }

  settingsOf({ envFrom: [from], env }: Container): Labels {
    const common = this.settings.find(({ metadata }) => metadata.name === from?.configMapRef.name)?.data ?? {};
    return { ...common, ...Object.fromEntries(env.map(({ name, value }) => [name, value])) };
  }
}

const PATHS = new Set(healthPaths());

/** @returns one line for each thing that is wrong */
export function brokenRules(manifests: Manifest[]): string[] {
  const cluster = new Cluster(manifests);
  const names = (ones: Manifest[]) => ones.map(({ metadata }) => metadata.name).join(', ') || 'nobody';
  return [
    ...cluster.services.flatMap((one) => serviceFaults(cluster, one)),
    ...cluster.budgets.flatMap((one) => budgetFaults(cluster, one)),
    ...cluster.autoscalers
      .filter(({ spec }) => !cluster.deployments.some(({ metadata }) => metadata.name === spec.scaleTargetRef.name))
      .map(
        ({ metadata, spec }) => `autoscaler ${metadata.name} scales ${spec.scaleTargetRef.name}, which is not there`,
      ),
    ...cluster.deployments.flatMap((one) => {
      const chosen = cluster.podsOf(one.spec.selector.matchLabels);
      return chosen.length === 1 && chosen[0] === one ? [] : [`deployment ${one.metadata.name} selects the pods of ${names(chosen)}`]; // prettier-ignore
    }),
    ...cluster.workloads.flatMap((one) => podFaults(one).concat(settingFaults(cluster, one))),
    ...cluster.deployments.flatMap((one) => lifeFaults(cluster, one)),
  ];
}

function serviceFaults(cluster: Cluster, { metadata: { name }, spec }: Service): string[] {
  const pods = cluster.podsOf(spec.selector);
  const ports = pods.flatMap((one) => one.spec.template.spec.containers[0].ports ?? []).map((port) => port.name);
  return told(`service ${name}`, {
    'selects no pod': pods.length === 0,
    'leads to a port that no pod has': spec.ports.some(({ targetPort }) => !ports.includes(targetPort)),
  });
}

/** One that needs them all would keep every node from being emptied. */
function budgetFaults(cluster: Cluster, { metadata: { name }, spec }: Budget): string[] {
  const pods = cluster.podsOf(spec.selector.matchLabels);
  const replicas = pods.reduce((sum, one) => sum + cluster.replicasOf(one), 0);
  return told(`budget ${name}`, {
    'selects no pod': pods.length === 0,
    [`keeps ${spec.minAvailable} of ${replicas}`]: spec.minAvailable >= replicas,
  });
}

function podFaults({ metadata: { name }, spec }: Workload): string[] {
  const pod = spec.template.spec;
  const [{ image, securityContext, resources }] = pod.containers;
  const tag = /:([^/:]+)$/.exec(image)?.[1];
  return told(name, {
    'may run as root': pod.securityContext?.runAsNonRoot !== true || pod.securityContext.runAsUser !== 10_001,
    'may gain privileges': securityContext?.allowPrivilegeEscalation !== false,
    'keeps capabilities': securityContext?.capabilities?.drop?.includes('ALL') !== true,
    'may write to its root': securityContext?.readOnlyRootFilesystem !== true,
    'may take all memory': resources?.limits?.['memory'] === undefined,
    'asks for no resources': resources?.requests?.['cpu'] === undefined || resources.requests['memory'] === undefined,
    [`has an image that is not pinned: ${image}`]: tag === undefined || tag === 'latest',
  });
}

/** How it starts, is asked, and goes. */
function lifeFaults(cluster: Cluster, { metadata: { name }, spec }: Workload): string[] {
  const { containers, terminationGracePeriodSeconds: graceSeconds = 30 } = spec.template.spec;
  const [container] = containers;
  const { startupProbe, livenessProbe, readinessProbe, lifecycle, ports = [] } = container;
  const probes = [startupProbe, livenessProbe, readinessProbe];
  const asked = probes.flatMap((probe) => probe?.httpGet ?? []);
  const stopMs = Number(cluster.settingsOf(container)['SHUTDOWN_TIMEOUT_MS'] ?? loadConfig({}).shutdownTimeoutMs);
  const needsSeconds = (lifecycle?.preStop?.sleep?.seconds ?? 0) + stopMs / 1000;
  return told(name, {
    'takes one away before another is ready': spec.strategy.rollingUpdate?.maxUnavailable !== 0,
    'lacks a probe': probes.includes(undefined),
    'asks a path that nobody answers': asked.some(({ path }) => !PATHS.has(path)),
    'is alive only while its database is': livenessProbe?.httpGet.path !== '/health',
    'asks a port that it does not have': asked.some(({ port }) => !ports.some((one) => one.name === port)),
    'leaves its service and stops at once': name.includes('web') && lifecycle?.preStop?.sleep === undefined,
    [`is killed after ${graceSeconds} s, and may need ${needsSeconds} s`]: graceSeconds <= needsSeconds,
  });
}

/** As the program would judge them, with well-made secrets where files are named; what it does not know it would not miss. */
function settingFaults(cluster: Cluster, { metadata: { name }, spec }: Workload): string[] {
  const settings = cluster.settingsOf(spec.template.spec.containers[0]);
  const unknown = Object.keys(settings).filter((key) => !isSetting(key));
  if (unknown.length > 0) return [`${name} is told ${unknown.join(', ')}, which the configuration does not know`];
  const folder = mkdtempSync(join(tmpdir(), 'waybill-settings-'));
  try {
    loadConfig(Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, own(folder, key, value)])));
    return [];
  } catch (error) {
    return [`${name}: ${error instanceof Error ? error.message : String(error)}`];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The path of a file of ours in the place of one below /run/secrets. */
function own(folder: string, key: string, value: string): string {
  const setting = key.replace(/_FILE$/, '');
  if (value !== `/run/secrets/${fileNameOf(setting)}`) return value;
  const path = join(folder, fileNameOf(setting));
  writeFileSync(path, exampleSecrets[setting] ?? '');
  return path;
}

function healthPaths(): string[] {
  const nothing = { checkReady: () => Promise.resolve(), version: '', commit: '', metricsAccess: 'open' as const };
  const { stack } = health({ ...nothing, metrics: new Metrics() });
  return stack.flatMap(({ route }) => route?.path ?? []);
}

function told(who: string, faults: Record<string, boolean>): string[] {
  return Object.entries(faults).filter(([, isSo]) => isSo).map(([fault]) => `${who} ${fault}`); // prettier-ignore
}
