// The log: one JSON line per fact on stdout, readable lines on a developer's terminal.
import { pino, symbols, type DestinationStream, type Logger } from 'pino';
import pretty from 'pino-pretty';
import { LinesPerTurn } from './lines-per-turn.ts';
import { isStdoutReplaced, ReplacedStdout } from './replaced-stdout.ts';
import { currentRequest } from './request-context.ts';

export type { Logger } from 'pino';

/** Last line of defence: call sites log by allow-list, these keys are scrubbed wherever they slip in. */
const secretKeys = [
  'password',
  'token',
  'accessToken',
  'refreshToken',
  'secret',
  'authorization',
  'cookie',
  'idempotencyKey',
];

const CENSOR = '[redacted]';

export function createLogger(
  { level, isPretty }: { level: string; isPretty: boolean },
  stream?: DestinationStream,
): Logger {
  return pino(
    {
      level,
      base: { service: 'waybill' },
      timestamp: isoTime,
      formatters: { level: (label) => ({ level: label }) },
      mixin: () => {
        const { requestId, traceId } = currentRequest() ?? {};
        return { requestId, traceId };
      },
      redact: { paths: secretKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: CENSOR },
      serializers: { err: describeError },
    },
    stream ?? stdout(isPretty),
  );
}

/**
 * For the line that ends each request. It has many scalars and nothing below them: to look into each of them for secrets cost 17 of its 18 µs.
 * It is written at the end of the turn, with those of others; all other lines are written at once.
 */
export function requestLogger(logger: Logger): Logger {
  const child = logger.child({}, { redact: { paths: secretKeys, censor: CENSOR } }) as Logger & WithStream;
  const stream = child[symbols.streamSym];
  // PM2 dates each write, and not each line.
  if (!(stream instanceof ReplacedStdout)) child[symbols.streamSym] = new LinesPerTurn(stream);
  return child;
}

/** pino gives a child the stream of its parent, and no other way to have one of its own. */
type WithStream = { [symbols.streamSym]: DestinationStream };

let [timedAt, time] = [0, ''];

/** As pino's own; made once a millisecond, which has many lines. */
function isoTime(): string {
  const now = Date.now();
  if (now !== timedAt) [timedAt, time] = [now, `,"time":"${new Date(now).toISOString()}"`];
  return time;
}

/** Synchronous, so that the last line of a dying process is written. */
function stdout(isPretty: boolean): DestinationStream {
  if (isPretty) return pretty({ sync: true, ignore: 'pid,hostname,service', translateTime: 'HH:MM:ss.l' });
  return isStdoutReplaced() ? new ReplacedStdout() : pino.destination({ dest: 1, sync: true });
}

/** Allow-list: PostgreSQL's `detail`, `where` and `parameters` carry customers' values and stay out. */
function describeError(error: unknown): Record<string, unknown> {
  if (!(error instanceof Error)) return { message: String(error) };
  const { code, constraint, schema, table } = error as Error & Record<string, unknown>;
  return {
    type: error.name,
    message: error.message,
    code,
    constraint,
    schema,
    table,
    stack: error.stack,
    cause: error.cause === undefined ? undefined : describeError(error.cause),
  };
}
