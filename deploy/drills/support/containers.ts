// Containers as confined as they can be: no root, no capability, nothing to write to, 256 MB; secrets come as files.
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Docker } from './docker.ts';
import type { Drill } from './drill.ts';
import { until } from './processes.ts';
import { fileNameOf, secretNames } from './settings.ts';

/** Above SHUTDOWN_TIMEOUT_MS, so that only a server that does not hear the signal is killed. */
const STOP_SECONDS = 30;
const CONFINED = ['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges', '--pids-limit', '64'];
const BOUNDED = ['--memory', '256m', '--network', 'host', '--health-interval', '2s'];

export type Containers = {
  /** For a step that ends by itself. */
  runToEnd: (name: string, settings: Record<string, string>) => Promise<void>;
  /** Returns when it is healthy. */
  start: (name: string, settings: Record<string, string>) => Promise<void>;
  stop: (name: string) => Promise<void>;
};

type Options = { image: string; account: number; settings: Record<string, string> };

/** @param settings what all of them are told; secret ones are told by files that the account alone may read */
export async function containersOf(
  here: Drill,
  docker: Docker,
  { image, account, settings }: Options,
): Promise<Containers> {
  const { check, onEnd } = here;
  const secrets = await writeSecrets(join(here.folder, 'secrets'), account, settings);
  const common = { ...Object.fromEntries(Object.entries(settings).filter(([name]) => !secretNames.has(name))), ...secrets.env }; // prettier-ignore

  const launch = async (name: string, own: Record<string, string>) => {
    const env = Object.entries({ ...common, ...own }).flatMap(([key, value]) => ['--env', `${key}=${value}`]);
    const volume = ['--volume', `${secrets.folder}:/run/secrets:ro`];
    onEnd(async () => void (await docker('rm', '--force', name)));
    await docker('run', '--detach', '--name', name, ...CONFINED, ...BOUNDED, ...volume, ...env, image);
  };
  return {
    runToEnd: async (name, own) => {
      await launch(name, own);
      check(`${name} ends with 0`, (await docker('wait', name)) === '0', await lastLine(docker, name));
    },
    start: async (name, own) => {
      await launch(name, own);
      await untilHealthy(docker, name);
      check(`${name} is healthy`, true);
      await checkProcess(check, docker, name, account);
    },
    stop: async (name) => {
      const begin = Date.now();
      await docker('stop', '--time', String(STOP_SECONDS), name);
      const { ExitCode, OOMKilled } = await stateOf(docker, name);
      check(
        `${name} ends with 0 at SIGTERM`,
        ExitCode === 0 && !OOMKilled,
        `${ExitCode} after ${Date.now() - begin} ms`,
      );
      const log = await docker('logs', name);
      const told = Object.entries(settings).filter(([key, value]) => secretNames.has(key) && log.includes(value));
      check(`${name} wrote no secret`, told.length === 0, `${log.split('\n').length} lines`);
    },
  };
}

/** One file each, as Docker and Kubernetes hand them over. */
async function writeSecrets(folder: string, account: number, settings: Record<string, string>) {
  await mkdir(folder, { mode: 0o700 });
  const secret = Object.entries(settings).filter(([name]) => secretNames.has(name));
  for (const [name, value] of secret) {
    const file = join(folder, fileNameOf(name));
    await writeFile(file, value);
    await chmod(file, 0o400);
    await chown(file, account, account);
  }
  await chown(folder, account, account);
  return {
    folder,
    env: Object.fromEntries(secret.map(([name]) => [`${name}_FILE`, `/run/secrets/${fileNameOf(name)}`])),
  };
}

type State = { Pid: number; Running: boolean; ExitCode: number; OOMKilled: boolean; Health?: { Status: string } };

const stateOf = async (docker: Docker, name: string): Promise<State> =>
  JSON.parse(await docker('inspect', '--format', '{{json .State}}', name)) as State;

const lastLine = async (docker: Docker, name: string): Promise<string> =>
  (await docker('logs', '--tail', '1', name)).slice(0, 300);

async function untilHealthy(docker: Docker, name: string): Promise<void> {
  let state = await stateOf(docker, name);
  await until(`${name} is healthy`, async () => {
    state = await stateOf(docker, name);
    return !state.Running || state.Health?.Status === 'healthy';
  });
  if (!state.Running) throw new Error(`${name} ended with ${state.ExitCode}: ${await lastLine(docker, name)}`);
}

/** What the kernel says of the container's first process. */
async function checkProcess(check: Drill['check'], docker: Docker, name: string, account: number): Promise<void> {
  const { Pid } = await stateOf(docker, name);
  const status = await readFile(`/proc/${Pid}/status`, 'utf8');
  const field = (key: string) => new RegExp(`^${key}:\\s+(\\S+)`, 'm').exec(status)?.[1];
  const [program] = (await readFile(`/proc/${Pid}/cmdline`, 'utf8')).split('\0');
  const isRight =
    field('Uid') === String(account) && Number(`0x${field('CapBnd')}`) === 0 && field('NoNewPrivs') === '1';
  check(`${name} is node, not root, without capabilities or a way to them`, isRight && program === 'node', `${program}: uid ${field('Uid')}, capabilities ${field('CapBnd')}`); // prettier-ignore
  const write = `fs.writeFileSync('/app/x', '')`;
  const refused = await docker('exec', name, 'node', '-p', `try { ${write} } catch (error) { error.code }`);
  check(`${name} has nothing to write to`, refused === 'EROFS', refused);
}
