// Addresses over HTTP.
import { created, noContent, okPage, okVersioned } from '../../shared/http/reply.ts';
import type { Handler } from '../../shared/http/route.ts';
import type { AddressService } from './address.service.ts';
import type {
  changeMyAddress,
  createMyAddress,
  deleteMyAddress,
  getMyAddress,
  listMyAddresses,
} from './address.validation.ts';

export class AddressController {
  private readonly addresses: AddressService;

  constructor(addresses: AddressService) {
    this.addresses = addresses;
  }

  readonly getAddresses: Handler<typeof listMyAddresses> = async ({ actor, query }) =>
    okPage(await this.addresses.list(actor, query));

  readonly postAddress: Handler<typeof createMyAddress> = async ({ actor, body }) => {
    const address = await this.addresses.add(actor, body);
    return created(address, `/users/me/addresses/${address.id}`);
  };

  readonly getAddress: Handler<typeof getMyAddress> = async ({ actor, params }) =>
    okVersioned(await this.addresses.get(actor, params.id));

  readonly patchAddress: Handler<typeof changeMyAddress> = async ({ actor, params, ifMatch, body }) =>
    okVersioned(await this.addresses.change(actor, params.id, ifMatch, body));

  readonly deleteAddress: Handler<typeof deleteMyAddress> = async ({ actor, params, ifMatch }) => {
    await this.addresses.remove(actor, params.id, ifMatch);
    return noContent();
  };
}
