// Hashes passwords with argon2id, a few at a time: each hash costs 19 MiB and some 20 ms of a core, and strangers ask for it.
import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';
import { unavailable } from '../../shared/errors/app-error.ts';

export type PasswordCost = { memoryKib: number; passes: number; lanes: number };

/** OWASP Password Storage Cheat Sheet: argon2id, m=19456 (19 MiB), t=2, p=1. */
const owaspCost: PasswordCost = { memoryKib: 19_456, passes: 2, lanes: 1 };

const RUNNING_MAX = 2;
/** About half a second of work: a longer wait is worth less than an answer at once. */
const WAITING_MAX = 50;

export class PasswordHasher {
  private readonly cost: PasswordCost;
  private readonly dummy: string;
  private readonly waiting: (() => void)[] = [];
  private running = 0;

  constructor(cost: PasswordCost = owaspCost) {
    this.cost = cost;
    this.dummy = dummyHash(cost);
  }

  /** @throws unavailable `password_hashing_busy` */
  hash(password: string): Promise<string> {
    const { memoryKib, passes, lanes } = this.cost;
    return this.inTurn(() =>
      // argon2id is the library's default; its enum cannot be named under isolatedModules.
      hash(normalised(password), { memoryCost: memoryKib, timeCost: passes, parallelism: lanes }),
    );
  }

  /** Without a hash to compare with, the same work is done for nothing. @throws unavailable `password_hashing_busy` */
  verify(password: string, passwordHash: string | null): Promise<boolean> {
    return this.inTurn(async () => {
      const fits = await verify(passwordHash ?? this.dummy, normalised(password));
      return fits && passwordHash !== null;
    });
  }

  private async inTurn<T>(work: () => Promise<T>): Promise<T> {
    await this.takeTurn();
    try {
      return await work();
    } finally {
      this.passTurn();
    }
  }

  private async takeTurn(): Promise<void> {
    if (this.running < RUNNING_MAX) this.running++;
    else if (this.waiting.length < WAITING_MAX) await new Promise<void>((resolve) => this.waiting.push(resolve));
    else throw busy();
  }

  private passTurn(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.running--;
    else next();
  }
}

/** A Mac and a PC send é in different forms. */
const normalised = (password: string): string => password.normalize('NFKC');

/** A hash that no password fits, of the same cost as a real one: the PHC string format with random salt and digest. */
function dummyHash({ memoryKib, passes, lanes }: PasswordCost): string {
  const [salt, digest] = [randomBytes(16), randomBytes(32)].map((bytes) =>
    bytes.toString('base64').replaceAll('=', ''),
  );
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${salt}$${digest}`;
}

const busy = () =>
  unavailable('password_hashing_busy', 'Too many passwords are being checked just now.', { retryAfterSeconds: 1 });
