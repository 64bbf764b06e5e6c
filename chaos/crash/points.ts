// Where to strike: each step of a scenario, and each side of it.
import type { Phase, Step } from '../kill-switch.ts';
import type { Point } from './runner.ts';

const phases: Phase[] = ['before', 'during', 'after'];

/** The short list: what changes the durable state at once, sent and not answered. Inside of a transaction a crash is a rollback. */
export function choosePoints(steps: Step[], isShort: boolean): Point[] {
  if (!isShort) return steps.flatMap((step) => phasesOf(step).map((phase) => ({ step, phase })));
  return steps.filter((step) => isDurable(step, steps)).map((step) => ({ step, phase: 'during' }));
}

/** The provider plays inside the server: what is during a call are its own statements. */
const phasesOf = ({ kind }: Step): Phase[] => (kind === 'call' ? ['before', 'after'] : phases);

function isDurable(step: Step, steps: Step[]): boolean {
  if (step.text.startsWith('COMMIT')) return true;
  const bounds = steps.slice(0, steps.indexOf(step)).filter(({ text }) => /^(BEGIN|COMMIT|ROLLBACK)/.test(text));
  const isOutside = bounds.at(-1)?.text.startsWith('BEGIN') !== true;
  return isOutside && /^(INSERT|UPDATE|DELETE)|orders\.place|events\.claim_due/.test(step.text);
}
