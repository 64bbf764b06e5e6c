// When stock is in order: the pure rule, case by case.
import { describe, expect, it } from 'vitest';
import { faultsOf, type Counts } from '../stock.ts';

const counts = (onHand: number, reserved: number) => ({ onHand, reserved });

describe('what is wrong with a SKU', () => {
  const cases: [string, Omit<Counts, 'sku'>, string[]][] = [
    ['nothing', { level: counts(9, 2), ledger: counts(9, 2), ordered: 2 }, []],
    ['nothing that is known without the orders', { level: counts(9, 2), ledger: counts(9, 2), ordered: null }, []],
    [
      'a missing level',
      { level: null, ledger: counts(9, 2), ordered: 2 },
      ['no level, but the ledger says 9 on hand, 2 reserved'],
    ],
    [
      'what is on hand',
      { level: counts(9, 2), ledger: counts(8, 2), ordered: 2 },
      ['9 on hand, but the ledger says 8'],
    ],
    [
      'what is reserved',
      { level: counts(9, 2), ledger: counts(9, 1), ordered: 2 },
      ['2 reserved, but the ledger says 1'],
    ],
    [
      'what orders hold',
      { level: counts(9, 2), ledger: counts(9, 2), ordered: 0 },
      ['2 reserved, but open orders hold 0'],
    ],
    [
      'all of it',
      { level: counts(9, 2), ledger: counts(8, 1), ordered: 0 },
      ['9 on hand, but the ledger says 8', '2 reserved, but the ledger says 1', '2 reserved, but open orders hold 0'],
    ],
  ];
  it.each(cases)('%s', (_name, found, faults) => expect(faultsOf({ sku: 'MUG', ...found })).toEqual(faults));
});
