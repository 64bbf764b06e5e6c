// What a stock level and a movement look like from outside.
import { z } from 'zod';
import { id, timestamp, version } from '../../shared/http/schemas.ts';
import type { LevelRow, MovementRow } from './stock.repository.ts';

export const levelView = z
  .object({ sku: z.string(), onHand: z.int(), reserved: z.int(), available: z.int(), version })
  .meta({ id: 'StockLevel' });

export const movementView = z
  .object({
    id,
    sku: z.string(),
    kind: z.enum(['adjustment', 'reservation', 'release', 'shipment', 'return']),
    delta: z.int().meta({ description: 'Change of what is on hand' }),
    reservedDelta: z.int(),
    onHand: z.int(),
    reserved: z.int(),
    reason: z.string().nullable(),
    orderId: id.nullable().meta({ description: 'The order that it was for; then there need be no reason' }),
    createdAt: timestamp,
  })
  .meta({ id: 'StockMovement', description: 'The change, why it was made, and the level after it' });

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
  kind,
  delta,
  reservedDelta,
  onHand,
  reserved,
  reason,
  orderId,
  createdAt,
}: MovementRow): z.output<typeof movementView> => ({
  id: movementId,
  sku,
  kind,
  delta,
  reservedDelta,
  onHand,
  reserved,
  reason,
  orderId,
  createdAt: createdAt.toISOString(),
});
