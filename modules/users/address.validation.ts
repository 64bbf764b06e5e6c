// What may come in about addresses.
import { z } from 'zod';
import type { Operation } from '../../shared/http/route.ts';
import { idParams, pageQuery, shippingAddress } from '../../shared/http/schemas.ts';
import { addressSchema } from './address.view.ts';

const { line2, region, postalCode } = shippingAddress.shape;

const addressChanges = z
  .strictObject({
    ...shippingAddress.partial().shape,
    line2: line2.nullable(),
    region: region.nullable(),
    postalCode: postalCode.nullable(),
  })
  .refine((changes) => Object.keys(changes).length > 0, {
    error: 'Say at least one thing to change.',
    params: { code: 'empty_patch' },
  })
  .meta({ id: 'AddressPatch', examples: [{ line1: '2 Bridge Street', line2: null }], minProperties: 1 });

const listQuery = z.strictObject(pageQuery);

export type NewAddress = z.output<typeof shippingAddress>;
export type AddressChanges = z.output<typeof addressChanges>;
export type ListAddresses = z.output<typeof listQuery>;

const notFound = { 404: ['address_not_found'] };

export const listMyAddresses = {
  operationId: 'listMyAddresses',
  summary: 'Your addresses, newest first',
  query: listQuery,
  answers: { 200: [addressSchema] },
} satisfies Operation;

export const createMyAddress = {
  operationId: 'createMyAddress',
  summary: 'Keep an address',
  description: 'At most 50. An order takes a copy of what it is sent: changing an address here changes no order.',
  body: shippingAddress,
  answers: { 201: addressSchema },
  problems: { 422: ['too_many_addresses'] },
} satisfies Operation;

export const getMyAddress = {
  operationId: 'getMyAddress',
  summary: 'One of your addresses',
  params: idParams,
  answers: { 200: addressSchema },
  problems: notFound,
} satisfies Operation;

export const changeMyAddress = {
  operationId: 'changeMyAddress',
  summary: 'Change an address; what is absent stays, null takes away',
  params: idParams,
  body: addressChanges,
  conditional: true,
  answers: { 200: addressSchema },
  problems: notFound,
} satisfies Operation;

export const deleteMyAddress = {
  operationId: 'deleteMyAddress',
  summary: 'Forget an address',
  params: idParams,
  conditional: true,
  answers: { 204: null },
  problems: notFound,
} satisfies Operation;
