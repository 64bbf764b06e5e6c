// What it means that stock is in order: pure.

/** What a SKU's row says, what its ledger sums to, and what open orders hold of it. Null: there is no row. */
export type Counts = {
  sku: string;
  level: { onHand: number; reserved: number } | null;
  ledger: { onHand: number; reserved: number };
  /** Null: nobody asked the orders. */
  ordered: number | null;
};

/** In words; none when all agree. */
export function faultsOf({ level, ledger, ordered }: Counts): string[] {
  if (level === null) return [`no level, but the ledger says ${ledger.onHand} on hand, ${ledger.reserved} reserved`];
  return [
    ...(level.onHand === ledger.onHand ? [] : [`${level.onHand} on hand, but the ledger says ${ledger.onHand}`]),
    ...(level.reserved === ledger.reserved
      ? []
      : [`${level.reserved} reserved, but the ledger says ${ledger.reserved}`]),
    ...(ordered === null || level.reserved === ordered
      ? []
      : [`${level.reserved} reserved, but open orders hold ${ordered}`]),
  ];
}
