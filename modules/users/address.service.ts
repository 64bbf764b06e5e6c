// Addresses: kept, changed and forgotten by the account they belong to.
import type { Database, Transaction } from '../../shared/database/database.ts';
import type { Audit } from '../../shared/domain/audit.ts';
import { newId } from '../../shared/domain/ids.ts';
import { decodeCursor, toPage, type Page } from '../../shared/domain/page.ts';
import { notFound, preconditionFailed, unprocessable } from '../../shared/errors/app-error.ts';
import type { Actor } from '../../shared/http/actor.ts';
import { isUuid, PAGE_LIMIT_DEFAULT } from '../../shared/http/schemas.ts';
import { tokenInvalid } from './access-tokens.ts';
import { changed, completed, type Address } from './address.ts';
import type { AddressRepository } from './address.repository.ts';
import type { AddressChanges, ListAddresses, NewAddress } from './address.validation.ts';
import { presentAddress, type AddressView } from './address.view.ts';

type Needs = { database: Database; audit: Audit; addresses: AddressRepository };

export class AddressService {
  private readonly needs: Needs;

  constructor(needs: Needs) {
    this.needs = needs;
  }

  /** @throws malformed `cursor_invalid` */
  async list({ userId }: Actor, { limit = PAGE_LIMIT_DEFAULT, cursor }: ListAddresses): Promise<Page<AddressView>> {
    const { database, addresses } = this.needs;
    const [beforeId = null] = cursor === undefined ? [] : decodeCursor(cursor, [isUuid]);
    const rows = await addresses.list(database, { userId, beforeId, limit: limit + 1 });
    const { items, nextCursor } = toPage(rows, limit, ({ id }) => [id]);
    return { items: items.map(presentAddress), nextCursor };
  }

  /** @throws notFound `address_not_found`, also for somebody else's */
  async get({ userId }: Actor, id: string): Promise<AddressView> {
    const { database, addresses } = this.needs;
    return presentAddress(known(await addresses.find(database, { id, userId })));
  }

  /** @throws unprocessable `too_many_addresses` */
  add(actor: Actor, given: NewAddress): Promise<AddressView> {
    const { database, audit, addresses } = this.needs;
    const own = { id: newId(), userId: actor.userId };
    return database.transaction(async (tx) => {
      if (!(await addresses.lockOwner(tx, own.userId))) throw tokenInvalid();
      const address = await addresses.insert(tx, own, completed(given));
      if (address === null) throw tooManyAddresses();
      const after = presentAddress(address);
      await audit.record(tx, { actor, action: 'address.created', subject: subjectOf(after), after });
      return after;
    });
  }

  /** @throws notFound `address_not_found`; preconditionFailed `version_stale` */
  change(actor: Actor, id: string, version: number, changes: AddressChanges): Promise<AddressView> {
    const { database, audit, addresses } = this.needs;
    const own = { id, userId: actor.userId };
    return database.transaction(async (tx) => {
      const address = await this.lockVersion(tx, own, version);
      const before = presentAddress(address);
      const after = presentAddress(known(await addresses.update(tx, own, changed(address, changes))));
      await audit.record(tx, { actor, action: 'address.updated', subject: subjectOf(after), before, after });
      return after;
    });
  }

  /** @throws notFound `address_not_found`; preconditionFailed `version_stale` */
  remove(actor: Actor, id: string, version: number): Promise<void> {
    const { database, audit, addresses } = this.needs;
    const own = { id, userId: actor.userId };
    return database.transaction(async (tx) => {
      const before = presentAddress(await this.lockVersion(tx, own, version));
      await addresses.delete(tx, own);
      await audit.record(tx, { actor, action: 'address.deleted', subject: subjectOf(before), before });
    });
  }

  private async lockVersion(tx: Transaction, own: { id: string; userId: string }, version: number): Promise<Address> {
    const address = known(await this.needs.addresses.lock(tx, own));
    if (address.version !== version)
      throw preconditionFailed('version_stale', 'The address has changed since you read it.');
    return address;
  }
}

const subjectOf = ({ id }: AddressView) => ({ type: 'address', id });

function known(address: Address | null): Address {
  if (address === null) throw notFound('address_not_found', 'There is no such address.');
  return address;
}

const tooManyAddresses = () => unprocessable('too_many_addresses', 'There are as many addresses as there may be.');
