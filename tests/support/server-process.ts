// A real server in a process of its own, as production runs it, but from the sources.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

export type ServerProcess = { url: string; child: ChildProcess; log: string[]; stop: () => Promise<number | null> };

const env = {
  NODE_ENV: 'test',
  PORT: '0',
  LOG_LEVEL: 'info',
  JWT_SECRET: 'test-only-jwt-secret-0123456789abcdefghijklmnop',
  TEST_PROVIDER_SECRET: 'test-only-provider-secret',
  // A machine that runs the tests is late as it is.
  OVERLOAD_LOOP_DELAY_MS: '0',
  RATE_LIMIT_MAX: '0',
  RATE_LIMIT_ACCOUNT_MAX: '0',
  LOGIN_RATE_LIMIT_MAX: '0',
  LOGIN_RATE_LIMIT_ADDRESS_MAX: '0',
};

/** Resolves when it listens; rejects, with its log, when it ends first. */
export async function startServerProcess(overrides: Record<string, string>): Promise<ServerProcess> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', 'server.ts'], {
    env: { PATH, HOME, ...env, ...overrides },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log: string[] = [];
  const port = await new Promise<number>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => {
        log.push(line);
        const found = /"port":(\d+).*"msg":"listening"/.exec(line)?.[1];
        if (found !== undefined) resolve(Number(found));
      });
    }
    child.once('exit', (code) =>
      reject(new Error(`the server ended with ${code} before it listened:\n${log.join('\n')}`)),
    );
  });
  return {
    url: `http://127.0.0.1:${port}`,
    child,
    log,
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      child.kill('SIGTERM');
      const [code] = (await once(child, 'exit')) as [number | null];
      return code;
    },
  };
}
