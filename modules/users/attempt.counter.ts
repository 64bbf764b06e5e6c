// Attempts counted in the database that all processes share, as the limits want it: soon, or not at all.
import type { Database } from '../../shared/database/database.ts';
import { within } from '../../shared/lifecycle/within.ts';
import type { HitCounter } from '../../shared/limits/hit-counter.ts';
import type { AttemptRepository } from './attempt.repository.ts';

/** With the 3.2 s that a database call may take after it, everybody has an answer in 3.5 s. */
const ANSWER_TIMEOUT_MS = 290;

export const attemptCounter = (database: Database, attempts: AttemptRepository): HitCounter => ({
  name: 'postgresql',
  hit: (key, windowMs) => within(ANSWER_TIMEOUT_MS, () => attempts.count(database, key, windowMs)),
});
