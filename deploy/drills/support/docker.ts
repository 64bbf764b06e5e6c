// A Docker daemon of the drill's own that reaches no registry, and base images for it: Debian, and Node from npm.
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pathOf, run, Skip, type Drill } from './drill.ts';
import { cachePath, fetchPackages } from './packages.ts';
import { start, until } from './processes.ts';

export const dockerNeeds = { dockerd: 'docker.io', docker: 'docker.io', mmdebstrap: 'mmdebstrap' };

const NODE_VERSION = '24.21.0';
const NPM_VERSION = '11.19.1';
const OWN_AUTHORITY = '/etc/ssl/certs/own-authority.crt';

/** Resolves with what was written to stdout; never blocks: the drill's own relays have to go on. */
export type Docker = {
  (...args: string[]): Promise<string>;
  /** A script of ours that calls docker. */
  script: (path: string, args: string[], env: Record<string, string>) => Promise<string>;
};

/** Images and layers are kept for the next run. */
export async function startDocker({ folder, onEnd }: Pick<Drill, 'folder' | 'onEnd'>): Promise<Docker> {
  if (userInfo().uid !== 0) throw new Skip('a Docker daemon needs root');
  const host = `unix://${join(folder, 'docker.sock')}`;
  const paths = {
    '--host': host,
    '--data-root': cachePath('docker'),
    '--exec-root': join(folder, 'docker'),
    '--pidfile': join(folder, 'docker.pid'),
    '--storage-driver': 'overlay2',
  };
  mkdirSync(paths['--data-root'], { recursive: true });
  const withoutNetwork = ['--bridge=none', '--iptables=false', '--ip-forward=false', '--ip-masq=false'];
  const daemon = start('dockerd', [...Object.entries(paths).flat(), ...withoutNetwork], { asRoot: true });
  // It leaves a mount behind, which keeps the folder from being removed.
  onEnd(() => void run('umount', [join(paths['--exec-root'], 'netns/default')]));
  onEnd(() => daemon.stop());
  const docker = clientOf(host);
  const isOver = () => daemon.child.exitCode !== null;
  await until('the Docker daemon answers', async () => isOver() || (await docker('version')) !== '');
  if (isOver()) throw new Error(`dockerd ended:\n${daemon.log.slice(-5).join('\n')}`);
  return docker;
}

function clientOf(host: string): Docker {
  // The builder that is part of the daemon: buildx is a download of its own.
  const env = { ...process.env, DOCKER_HOST: host, DOCKER_BUILDKIT: '0' };
  const call = async (path: string, args: string[], more: Record<string, string> = {}) => {
    const options = { env: { ...env, ...more }, maxBuffer: 2 ** 26 };
    return (await promisify(execFile)(path, args, options)).stdout.trim();
  };
  return Object.assign((...args: string[]) => call(pathOf('docker') ?? 'docker', args), { script: call });
}

export type Bases = { node: string; runtime: string; buildArgs: string[] };

/** Stand-ins of node:24-slim: one with npm and this machine's authorities to build in, one with node alone to run in. */
export async function baseImages(docker: Docker, { folder, say }: Pick<Drill, 'folder' | 'say'>): Promise<Bases> {
  const node = `waybill-drill/node:${NODE_VERSION}`;
  const runtime = `waybill-drill/runtime:${NODE_VERSION}`;
  const found = await docker('image', 'ls', '--quiet', node);
  if (found === '') {
    say(`base images: Debian and node ${NODE_VERSION}`);
    const context = gather(join(folder, 'bases'));
    await docker('import', debian(folder), 'waybill-drill/debian');
    const args = ['build', '--network', 'host', '--quiet'];
    await docker(...args, '--target', 'runtime', '--tag', runtime, context);
    await docker(...args, '--tag', node, context);
  }
  const pairs = { NODE_IMAGE: node, RUNTIME_IMAGE: runtime, NODE_EXTRA_CA_CERTS: OWN_AUTHORITY };
  return { node, runtime, buildArgs: Object.entries(pairs).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]) }; // prettier-ignore
}

function debian(folder: string): string {
  const tar = join(folder, 'debian.tar');
  const unread = ['doc', 'man', 'locale'].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`);
  const args = ['--variant=minbase', '--include=ca-certificates,libstdc++6', ...unread, 'bookworm', tar];
  const { status, output } = run('mmdebstrap', args);
  if (status !== 0) throw new Skip(`Debian could not be had: ${output.split('\n').at(-1) ?? ''}`);
  return tar;
}

function gather(context: string): string {
  const packageName = `node-linux-${process.arch}`;
  const modules = fetchPackages(`${packageName}@${NODE_VERSION}`, `npm@${NPM_VERSION}`);
  mkdirSync(context);
  cpSync(join(modules, packageName, 'bin/node'), join(context, 'node'));
  cpSync(join(modules, 'npm'), join(context, 'npm'), { recursive: true });
  const authorities = process.env['NODE_EXTRA_CA_CERTS'] ?? '';
  if (existsSync(authorities)) cpSync(authorities, join(context, 'authority.crt'), { dereference: true });
  else writeFileSync(join(context, 'authority.crt'), '');
  writeFileSync(
    join(context, 'Dockerfile'),
    `FROM waybill-drill/debian AS runtime
COPY node /usr/local/bin/node
FROM runtime
COPY npm /usr/local/lib/node_modules/npm
COPY authority.crt ${OWN_AUTHORITY}
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
`,
  );
  return context;
}
