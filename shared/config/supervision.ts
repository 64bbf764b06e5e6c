// What systemd says to a process by its environment: nobody configures these variables, so they are not in the schema.
import { ConfigError } from './config.ts';

export type Supervision = {
  /** It wants to hear that we are ready, and that we stop. */
  isNotified: boolean;
  /** Without a sign of life for so long we are killed; null when nobody waits for one. */
  watchdogMs: number | null;
  /** The listening socket that we were handed; null when we open our own. */
  listenFd: number | null;
};

export const supervisionVariables = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID', 'LISTEN_FDS', 'LISTEN_PID'];

/** sd_listen_fds(3): the first one handed over. */
const FIRST_FD = 3;

/** @param pid of the process that systemd started: variables are inherited by children whom they do not mean. */
export function loadSupervision(env: NodeJS.ProcessEnv, pid: number): Supervision {
  const isFor = (name: string) => env[name] === String(pid);
  const sockets = isFor('LISTEN_PID') ? Number(env['LISTEN_FDS']) : 0;
  // A socket that nobody accepts on would let its callers wait for ever.
  if (sockets > 1) throw new ConfigError([{ variable: 'LISTEN_FDS', problem: 'expected one ListenStream= only' }]);
  return {
    isNotified: Boolean(env['NOTIFY_SOCKET']),
    watchdogMs: isFor('WATCHDOG_PID') ? Number(env['WATCHDOG_USEC']) / 1000 : null,
    listenFd: sockets === 1 ? FIRST_FD : null,
  };
}
