// PM2 from npm with a home of its own, and our ecosystem file: started, reloaded and stopped by the commands of deploy/README.md.
import { mkdir, readFile, readdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { blocksOf, sectionOf } from '../../../scripts/readme.ts';
import type { Drill } from './drill.ts';
import { shipped } from './edge.ts';
import { fetchPackages } from './packages.ts';
import { finish } from './processes.ts';

const VERSION = '7.0.4';

export type Pm2 = {
  reload: () => Promise<void>;
  /** Stops all, and looks how each worker ended and whether their log is whole. */
  judge: () => Promise<void>;
};

type Command = 'start' | 'reload' | 'delete';

export async function startPm2(here: Drill, cwd: string, env: Record<string, string>): Promise<Pm2> {
  const home = join(here.folder, 'pm2');
  await mkdir(home);
  const bin = join(fetchPackages(`pm2@${VERSION}`), '.bin');
  const commands = blocksOf(sectionOf(await shipped('README.md'), 'PM2'), 'sh')
    .join('\n')
    .split('\n');
  const surroundings = { ...env, PM2_HOME: home, PATH: [bin, process.env['PATH']].join(delimiter) };
  const type = async (command: Command) => {
    const line = commands.find((one) => one.startsWith(`pm2 ${command} `));
    if (line === undefined) throw new Error(`deploy/README.md has no pm2 ${command}`);
    const { status, output } = await finish('sh', ['-c', line], { cwd, env: surroundings, asRoot: true });
    if (status !== 0) throw new Error(`${line} ended with ${status}:\n${output}\n${await everyLog(home)}`);
  };
  here.onEnd(() => finish('sh', ['-c', 'pm2 kill'], { cwd, env: surroundings, asRoot: true }));
  await type('start');
  return {
    reload: () => type('reload'),
    judge: async () => {
      await type('delete');
      judgeExits(here, await readFile(join(home, 'pm2.log'), 'utf8'));
      judgeLog(here, await readFile(join(home, 'logs/waybill-out.log'), 'utf8'));
    },
  };
}

/** PM2's own words: `App [waybill:0] exited with code [0] via signal [SIGINT]`. */
function judgeExits({ check }: Pick<Drill, 'check'>, daemonLog: string): void {
  const codes = [...daemonLog.matchAll(/exited with code \[(\d+)\]/g)].map(([, code]) => code);
  const isClean = codes.length > 0 && codes.every((code) => code === '0');
  check('every worker that PM2 stopped ended with 0', isClean, codes.join());
}

/** In one file for all workers, each line dated, to the very last one. */
function judgeLog({ check }: Pick<Drill, 'check'>, log: string): void {
  const lines = log.trim().split('\n');
  const dated = lines.filter((line) => /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\S+: \{/.test(line));
  check('each line of the log is whole and dated', dated.length === lines.length, `${dated.length} of ${lines.length}`);
  const count = (text: string) => lines.filter((line) => line.includes(`"msg":"${text}"`)).length;
  check('the last line of every worker is there', count('listening') > 0 && count('stopped') === count('listening'), `${count('listening')} listening, ${count('stopped')} stopped`); // prettier-ignore
}

async function everyLog(home: string): Promise<string> {
  const names = ['pm2.log', ...(await readdir(join(home, 'logs'))).map((name) => `logs/${name}`)];
  const texts = names.map(async (name) => (await readFile(join(home, name), 'utf8')).slice(-2000));
  return (await Promise.all(texts)).join('\n');
}
