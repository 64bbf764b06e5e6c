// Batches: whoever is alone goes at once, whoever arrives meanwhile goes together, and nobody suffers for another's fault.
import { AsyncLocalStorage } from 'node:async_hooks';
import { describe, expect, test } from 'vitest';
import { unavailable } from '../../errors/app-error.ts';
import { Batcher } from '../batcher.ts';

type Flight = { items: string[]; land: (answers?: string[]) => void; crash: (error: unknown) => void };

/** A batcher whose flights land when the test says so. */
function airport(max = 4) {
  const flights: Flight[] = [];
  const run = (items: string[]) =>
    new Promise<string[]>((resolve, reject) => {
      flights.push({ items, land: (answers = items.map(answerTo)) => resolve(answers), crash: reject });
    });
  const batcher = new Batcher({ run, max, isOfAll: (error) => error instanceof Outage });
  const send = (...items: string[]) => items.map((item) => settled(batcher.add(item)));
  return { flights, send, items: () => flights.map(({ items }) => items) };
}

class Outage extends Error {}

const answerTo = (item: string) => `${item}!`;
const settled = (answer: Promise<string>) => answer.catch((error: unknown) => error);
const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('batches', () => {
  test('who is alone goes at once; who comes meanwhile goes together, in order of arrival', async () => {
    const { flights, send, items } = airport();
    const [first] = send('a');
    await turn();
    const others = send('b', 'c', 'd');
    await turn();
    expect(items()).toEqual([['a']]);
    flights[0]?.land();
    expect(await first).toBe('a!');
    await turn();
    expect(items()).toEqual([['a'], ['b', 'c', 'd']]);
    flights[1]?.land();
    expect(await Promise.all(others)).toEqual(['b!', 'c!', 'd!']);
    void send('e');
    await turn();
    expect(items().at(-1)).toEqual(['e']);
  });

  test('who arrives in one turn goes together at once', async () => {
    const { send, items } = airport();
    void send('a', 'b');
    await Promise.resolve().then(() => void send('c'));
    await turn();
    expect(items()).toEqual([['a', 'b', 'c']]);
  });

  test('one is in flight, and so many go together at most', async () => {
    const { flights, send, items } = airport(2);
    const first = send('a');
    await turn();
    const all = [...first, ...send('b', 'c', 'd')];
    for (let landed = 0; landed < 3; landed++) {
      await turn();
      expect(flights).toHaveLength(landed + 1);
      flights[landed]?.land();
    }
    expect(await Promise.all(all)).toEqual(['a!', 'b!', 'c!', 'd!']);
    expect(items()).toEqual([['a'], ['b', 'c'], ['d']]);
  });

  test('eight batches wait; who comes then is told at once', async () => {
    const { flights, send } = airport(2);
    void send('a');
    await turn();
    const waiting = send(...Array.from({ length: 16 }, (_, i) => `w${i}`));
    const [late] = send('late');
    expect(await late).toMatchObject({ kind: 'unavailable', code: 'database_busy', retryAfterSeconds: 1 });
    for (let landed = 0; landed < 9; landed++) {
      flights[landed]?.land();
      await turn();
    }
    expect(await Promise.all(waiting)).toHaveLength(16);
  });

  test('a batch that fails is tried one by one: each has an answer or an error of its own', async () => {
    const { flights, send, items } = airport();
    void send('a');
    await turn();
    const others = send('b', 'poison', 'c');
    flights[0]?.land();
    await turn();
    flights[1]?.crash(new Error('one of them is bad'));
    await turn();
    expect(items().slice(2)).toEqual([['b'], ['poison'], ['c']]);
    flights[2]?.land();
    flights[3]?.crash(new Error('bad'));
    flights[4]?.land();
    expect(await Promise.all(others)).toEqual(['b!', new Error('bad'), 'c!']);
  });

  test('what is nobody’s fault is told to all, those who wait included, and is not tried again', async () => {
    const { flights, send, items } = airport(2);
    void send('a');
    await turn();
    const others = send('b', 'c', 'd', 'e');
    flights[0]?.land();
    await turn();
    flights[1]?.crash(new Outage('gone'));
    for (const answer of await Promise.all(others)) expect(answer).toBeInstanceOf(Outage);
    expect(items()).toEqual([['a'], ['b', 'c']]);
    const [next] = send('next');
    await turn();
    flights[2]?.land();
    expect(await next).toBe('next!');
  });

  test('an outage that is met alone is told to those who wait, too', async () => {
    const { flights, send } = airport();
    const first = send('a');
    await turn();
    const all = [...first, ...send('b')];
    flights[0]?.crash(new Outage('gone'));
    for (const answer of await Promise.all(all)) expect(answer).toBeInstanceOf(Outage);
    expect(flights).toHaveLength(1);
  });

  test('as many answers as items, or it is a defect', async () => {
    const { flights, send } = airport();
    const [one] = send('a');
    await turn();
    flights[0]?.land([]);
    expect(await one).toEqual(new Error('0 answers for one item'));
    void send('b');
    await turn();
    const two = send('c', 'd');
    flights[1]?.land();
    await turn();
    flights[2]?.land(['only one']);
    await turn();
    for (const flight of flights.slice(3)) flight.land();
    expect(await Promise.all(two)).toEqual(['c!', 'd!']);
  });

  test('of one at most, nobody waits for anybody', async () => {
    const { send, items, flights } = airport(1);
    const all = send('a', 'b', 'c');
    expect(items()).toEqual([['a'], ['b'], ['c']]);
    for (const flight of flights) flight.land();
    expect(await Promise.all(all)).toEqual(['a!', 'b!', 'c!']);
  });

  test('who goes alone keeps their own context, a batch is nobody’s', async () => {
    const caller = new AsyncLocalStorage<string>();
    const seen: [string[], string | undefined][] = [];
    let isBad = false;
    const run = async (items: string[]) => {
      seen.push([items, caller.getStore()]);
      await turn();
      if (isBad && items.length > 1) throw unavailable('odd', 'Odd.');
      return items;
    };
    const batcher = new Batcher({ run, max: 4, isOfAll: () => false });
    const add = (item: string) => caller.run(`of ${item}`, () => batcher.add(item));
    /** One, and two more while it is on its way. */
    const three = async (...[first = '', ...others]: string[]) => {
      const going = add(first);
      await Promise.resolve();
      await new Promise((resolve) => process.nextTick(resolve));
      await Promise.all([going, ...others.map(add)]);
    };
    await three('a', 'b', 'c');
    isBad = true;
    await three('d', 'e', 'f');
    expect(seen).toEqual([
      [['a'], 'of a'],
      [['b', 'c'], undefined],
      [['d'], 'of d'],
      [['e', 'f'], undefined],
      [['e'], 'of e'],
      [['f'], 'of f'],
    ]);
  });
});
