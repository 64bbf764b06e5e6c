// A real Redis of a test's own, on loopback; where none is installed the test is skipped, unless CI_DRILLS=required.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';

const isInstalled = spawnSync('redis-server', ['--version']).status === 0;

/** For `test.skipIf(…)`: CI would rather fail than not look. */
export const lacksRedis = !isInstalled && process.env['CI_DRILLS'] !== 'required';

export type Redis = { url: string; kill: (signal: NodeJS.Signals) => Promise<void>; start: () => Promise<void> };

export async function startRedis(): Promise<Redis> {
  const port = await freePort();
  let child = await startOn(port);
  return {
    url: `redis://127.0.0.1:${port}`,
    kill: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const isEnd = signal === 'SIGKILL' || signal === 'SIGTERM';
      const gone = isEnd ? once(child, 'exit') : null;
      child.kill(signal);
      await gone;
    },
    start: async () => {
      child = await startOn(port);
    },
  };
}

/** Nothing is kept: a restart begins empty. */
async function startOn(port: number): Promise<ChildProcess> {
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'ignore'] });
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.includes('Ready to accept connections')) break;
  }
  child.stdout.resume();
  return child;
}

/** Below the ports that outgoing connections take, so that none of ours is in the way at a restart. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => resolve((probe.address() as AddressInfo).port === port));
    });
    if (!isFree) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
}
