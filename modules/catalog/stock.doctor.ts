// What can be wrong with stock: a level that its ledger does not explain.
import type { Check } from '../../shared/doctor/check.ts';
import type { StockService } from './stock.service.ts';

export const stockChecks = (stock: StockService): Check[] => [
  {
    name: 'stock.level',
    about: 'the ledger does not sum to the level: somebody wrote past the application',
    find: async () =>
      (await stock.explainLevels()).map(({ sku, faults }) => ({ subject: sku, detail: faults.join('; ') })),
    fix: async (findings) => {
      for (const { subject } of findings) await stock.rebuildLevel(subject);
    },
  },
];
