// What a stock level and a movement look like from outside.
import { z } from 'zod';
import { id, timestamp, version } from '../../shared/http/schemas.ts';
import type { AdjustmentRow, LevelRow } from './stock.repository.ts';

export const levelView = z
  .object({ sku: z.string(), onHand: z.int(), reserved: z.int(), available: z.int(), version })
  .meta({ id: 'StockLevel' });

export const movementView = z
  .object({
    id,
    sku: z.string(),
    delta: z.int(),
    reason: z.string(),
    onHand: z.int(),
    reserved: z.int(),
    createdAt: timestamp,
  })
  .meta({ id: 'StockMovement', description: 'The change, and the level after it' });

export const presentLevel = ({
  sku,
  onHand,
  reserved,
  version: levelVersion,
}: LevelRow): z.output<typeof levelView> => ({
  sku,
  onHand,
  reserved,
  available: onHand - reserved,
  version: levelVersion,
});

export const presentMovement = ({
  id: movementId,
  sku,
  delta,
  reason,
  onHand,
  reserved,
  createdAt,
}: AdjustmentRow): z.output<typeof movementView> => ({
  id: movementId,
  sku,
  delta,
  reason,
  onHand,
  reserved,
  createdAt: createdAt.toISOString(),
});
