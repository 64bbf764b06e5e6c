// The last line of a dying process is there, however it dies: by an exception, a rejection, an exit, or SIGKILL right after it was logged.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { drill } from './support/drill.ts';
import { build, root } from './support/world.ts';

const TIMES = 20;
const AT_ONCE = 4;

const ways: Record<string, string> = {
  'an exception': `throw new Error('the end');`,
  'a rejection': `void Promise.reject(new Error('the end'));`,
  'an exit': `logger.info('last words'); process.exit(1);`,
  'an exit in the turn of a request': `requestLogger(logger).info('last words'); process.exit(1);`,
  SIGKILL: `logger.info('last words'); process.kill(process.pid, 'SIGKILL');`,
};

/** Lines enough to fill a pipe's buffer, so that a logger that writes later has something left to write. */
const program = (death: string, broken: string | null): string => `
  import pino from 'pino';
  const destination = pino.destination;
  if (${broken === 'later'}) pino.destination = (options) => destination({ ...options, sync: false });
  const { createLogger, requestLogger } = await import('./dist/shared/logging/logger.js');
  const logger = createLogger({ level: 'info', isPretty: false });
  const die = (error) => { logger.fatal({ err: error }, 'last words'); process.exit(1); };
  process.on('uncaughtException', die).on('unhandledRejection', die);
  for (let i = 0; i < 200; i++) logger.info({ i }, 'a line like any other');
  ${death}
`;

await drill({ name: 'last-words', breaks: ['later'] }, async ({ check, broken }) => {
  build();
  for (const [way, death] of Object.entries(ways)) {
    let heard = 0;
    for (let i = 0; i < TIMES; i += AT_ONCE) {
      const outputs = await Promise.all(Array.from({ length: AT_ONCE }, () => outputOf(program(death, broken))));
      heard += outputs.filter(isWhole).length;
    }
    check(`after ${way}`, heard === TIMES, `${heard} of ${TIMES}`);
  }
});

/** As a container's log would have it. */
async function outputOf(source: string): Promise<string> {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] }); // prettier-ignore
  let output = '';
  child.stdout.on('data', (piece: Buffer) => (output += piece.toString()));
  await once(child, 'close');
  return output;
}

function isWhole(output: string): boolean {
  const lines = output.split('\n').filter((line) => line !== '');
  return lines.length === 201 && (JSON.parse(lines.at(-1) ?? '{}') as { msg?: string }).msg === 'last words';
}
