// A Debian of its own with systemd as its first process: a container that shares our network and nothing else.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rename } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { Skip, run, type Drill } from './drill.ts';
import { start, until } from './processes.ts';

const SUITE = 'bookworm';
/** procps brings the /bin/kill of ExecReload, libstdc++6 is what node is linked with. */
const PACKAGES = ['systemd', 'systemd-sysv', 'dbus', 'procps', 'libstdc++6'];
const STOP_MS = 15_000;

export const machineNeeds = { 'systemd-nspawn': 'systemd-container', mmdebstrap: 'mmdebstrap', nsenter: 'util-linux' };

export type Machine = {
  /** As root of the machine. Rejects unless it ends with 0. */
  exec: (...command: string[]) => Promise<string>;
  /** The same for a few lines of shell, which end at the first that fails. */
  shell: (script: string) => Promise<string>;
  write: (path: string, text: string) => Promise<void>;
};

/** @param shown path on the machine → ours, to be read there */
export async function bootMachine({ onEnd }: Pick<Drill, 'onEnd'>, shown: Record<string, string>): Promise<Machine> {
  if (userInfo().uid !== 0) throw new Skip('systemd boots in a container, which only root can make');
  const root = await debianRoot();
  const binds = Object.entries(shown).map(([there, here]) => `--bind-ro=${here}:${there}`);
  // Whatever is changed on its disk is forgotten. Without a machine manager, as most containers have none.
  const how = ['--quiet', '--register=no', '--keep-unit', '--volatile=overlay', '--console=read-only', '--boot'];
  const container = start('systemd-nspawn', [...how, `--directory=${root}`, ...binds], {
    asRoot: true,
    env: { SYSTEMD_NSPAWN_UNIFIED_HIERARCHY: '1' },
  });
  onEnd(async () => {
    const killer = setTimeout(() => container.child.kill('SIGKILL'), STOP_MS);
    await container.stop().finally(() => clearTimeout(killer));
  });
  const enter = async (command: string[], input = ''): Promise<string> =>
    execute('nsenter', ['--target', await firstProcessOf(container.pid), '--all', '--', ...command], input);
  // Ends with 1 when some unit of Debian's does not like containers; that is no concern of ours.
  const state = () => enter(['sh', '-c', 'systemctl is-system-running --wait || true']);
  await until('systemd is up', async () => ['running', 'degraded'].includes(await state()));
  return {
    exec: (...command) => enter(command),
    shell: (script) => enter(['sh', '-euc', script]),
    write: async (path, text) => void (await enter(['sh', '-euc', `mkdir -p "$(dirname "${path}")"; cat >"${path}"`], text)), // prettier-ignore
  };
}

/** Half a minute the first time, then kept among the temporary files. */
async function debianRoot(): Promise<string> {
  const root = join(tmpdir(), `waybill-drill-${SUITE}`);
  if (existsSync(root)) return root;
  const unfinished = `${root}.${process.pid}`;
  const { status, output } = run('mmdebstrap', [
    '--variant=minbase',
    `--include=${PACKAGES.join()}`,
    SUITE,
    unfinished,
  ]);
  if (status !== 0) throw new Skip(`no Debian to be had: ${output.split('\n').at(-1)}`);
  await rename(unfinished, root);
  return root;
}

async function firstProcessOf(containerPid: number): Promise<string> {
  const children = await readFile(`/proc/${containerPid}/task/${containerPid}/children`, 'utf8');
  const [first] = children.trim().split(' ');
  if (first === undefined || first === '') throw new Error('systemd-nspawn has no first process');
  return first;
}

/** Not `run`: we are the customers, too, and they must not wait for it. */
function execute(program: string, args: string[], input: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, (error, stdout, stderr) =>
      error === null
        ? resolve(stdout.trim())
        : reject(new Error(`${args.slice(4).join(' ')}: ${stdout}${stderr}`, { cause: error })),
    );
    child.stdin?.on('error', () => undefined); // not everybody reads it
    child.stdin?.end(input);
  });
}
