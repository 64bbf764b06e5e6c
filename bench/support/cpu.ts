// How much CPU time a process and all below it have used, those that ended included: /proc of Linux, nothing elsewhere.
import { readdir, readFile } from 'node:fs/promises';

/** USER_HZ: what /proc counts in, whatever the kernel's own clock is. */
const TICKS_PER_SECOND = 100;

/** Microseconds of every process with its children, living and waited for; NaN where there is no /proc. */
export async function cpuMicrosOf(rootPid: number): Promise<number> {
  const all = await readProcesses();
  if (all.size === 0) return Number.NaN;
  const below = [...all.values()].filter((one) => isBelow(one.pid, rootPid, all));
  return (below.reduce((sum, { ticks }) => sum + ticks, 0) * 1e6) / TICKS_PER_SECOND;
}

type Process = { pid: number; parentPid: number; ticks: number };

async function readProcesses(): Promise<Map<number, Process>> {
  const names = await readdir('/proc').catch(() => []);
  const read = names.filter((name) => /^\d+$/.test(name)).map((name) => readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')); // prettier-ignore
  const found = (await Promise.all(read)).filter((text) => text !== '').map(processOf);
  return new Map(found.map((one) => [one.pid, one]));
}

/** proc(5): after the name in brackets, which may contain anything, field 4 is the parent, 14 to 17 are utime, stime, cutime, cstime. */
function processOf(text: string): Process {
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  return { pid: Number.parseInt(text, 10), parentPid: Number(fields[1]), ticks };
}

function isBelow(pid: number, rootPid: number, all: Map<number, Process>): boolean {
  for (let at: number | undefined = pid; at !== undefined && at > 1; at = all.get(at)?.parentPid)
    if (at === rootPid) return true;
  return false;
}
