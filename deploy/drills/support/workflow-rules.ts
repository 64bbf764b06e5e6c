// What neither actionlint nor shellcheck asks of a workflow: pinned actions, few permissions, and no step that only it can run.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './world.ts';

type Step = { uses?: string; run?: string; with?: Record<string, unknown> };
type Job = { permissions?: Record<string, string>; 'timeout-minutes'?: number; steps: Step[] };
export type Workflow = { permissions?: Record<string, string> | string; jobs: Record<string, Job> };

/** The one job that may write anything, and what. */
const WRITES = { image: 'packages' };

/** @param text for what a parser drops: the version beside a pinned action @returns one line for each thing that is wrong */
export function workflowFaults(workflow: Workflow, text: string, scripts: Record<string, string>): string[] {
  const jobs = Object.entries(workflow.jobs);
  const unversioned = [...text.matchAll(/uses: (\S+)(?! +# v\d)(?:\s|$)/g)].map(([, uses]) => `${uses} does not say its version`); // prettier-ignore
  return [
    ...(JSON.stringify(workflow.permissions) === '{"contents":"read"}' ? [] : ['it may do more than read']),
    ...jobs.flatMap(([name, job]) => jobFaults(name, job)),
    ...jobs.flatMap(([, { steps }]) => steps.flatMap((step) => stepFaults(step, scripts))),
    ...unversioned,
  ];
}

function jobFaults(name: string, { permissions = {}, ...job }: Job): string[] {
  const writes = Object.entries(permissions).filter(([, may]) => may !== 'read').map(([what]) => what); // prettier-ignore
  return [
    ...writes.filter((what) => name !== 'image' || what !== WRITES.image).map((what) => `${name} may write ${what}`),
    ...(job['timeout-minutes'] === undefined ? [`${name} may run for six hours`] : []),
  ];
}

function stepFaults({ uses, run, with: options = {} }: Step, scripts: Record<string, string>): string[] {
  if (uses !== undefined) {
    const isCheckout = uses.startsWith('actions/checkout@');
    return [
      ...(/@[0-9a-f]{40}$/.test(uses) ? [] : [`${uses} is not pinned to a commit`]),
      ...(isCheckout && options['persist-credentials'] !== false ? ['a checkout leaves its token to every step'] : []),
    ];
  }
  if (run === undefined) return ['a step does nothing'];
  return [
    ...(run.includes('${{') ? [`text from outside becomes a command: ${run}`] : []),
    ...(isOfRepository(run, scripts) ? [] : [`only the workflow can run it: ${run}`]),
  ];
}

/** One line that anybody can type here: npm, or a script that is there. */
function isOfRepository(run: string, scripts: Record<string, string>): boolean {
  const [program = '', command = '', script = ''] = run.split(/\s+/);
  if (run.includes('\n') || /[;&|]/.test(run)) return false;
  if (program !== 'npm') return program.includes('/') && existsSync(join(root, program));
  return command === 'ci' || scripts[command === 'run' ? script : command] !== undefined;
}
