// The API of addresses at a glance.
import { route, type Route } from '../../shared/http/route.ts';
import type { AddressController } from './address.controller.ts';
import {
  changeMyAddress,
  createMyAddress,
  deleteMyAddress,
  getMyAddress,
  listMyAddresses,
} from './address.validation.ts';

export const addressRoutes = (addresses: AddressController): Route[] => [
  route('get', '/users/me/addresses', ['account:own'], listMyAddresses, addresses.getAddresses),
  route('post', '/users/me/addresses', ['account:own'], createMyAddress, addresses.postAddress),
  route('get', '/users/me/addresses/{id}', ['account:own'], getMyAddress, addresses.getAddress),
  route('patch', '/users/me/addresses/{id}', ['account:own'], changeMyAddress, addresses.patchAddress),
  route('delete', '/users/me/addresses/{id}', ['account:own'], deleteMyAddress, addresses.deleteAddress),
];
