// How an address goes out: as it can be sent with an order, and what it takes to change it.
import { z } from 'zod';
import { shippingAddress, timestamp, version } from '../../shared/http/schemas.ts';
import type { Address } from './address.ts';

export const addressSchema = z
  .object({ ...shippingAddress.shape, id: z.uuid(), createdAt: timestamp, updatedAt: timestamp, version })
  .meta({ id: 'Address', description: 'Where somebody has things sent' });

export type AddressView = z.output<typeof addressSchema>;

export const presentAddress = ({ line2, region, postalCode, ...address }: Address): AddressView => ({
  id: address.id,
  name: address.name,
  line1: address.line1,
  ...(line2 !== null && { line2 }),
  city: address.city,
  ...(region !== null && { region }),
  ...(postalCode !== null && { postalCode }),
  country: address.country,
  createdAt: address.createdAt.toISOString(),
  updatedAt: address.updatedAt.toISOString(),
  version: address.version,
});
