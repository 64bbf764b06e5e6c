// What an address is, and how one is changed: pure.
export type PostalAddress = {
  name: string;
  line1: string;
  line2: string | null;
  city: string;
  region: string | null;
  postalCode: string | null;
  /** ISO 3166-1 alpha-2. */
  country: string;
};

export type Address = PostalAddress & { id: string; createdAt: Date; updatedAt: Date; version: number };

/** More than anybody has, and few enough that an account cannot be filled without end. */
export const ADDRESSES_MAX = 50;

type Optional = 'line2' | 'region' | 'postalCode';
type Partly<Field extends keyof PostalAddress> = { [F in Field]?: PostalAddress[F] | undefined };

/** What was not given is not there. */
export const completed = (given: Omit<PostalAddress, Optional> & Partly<Optional>): PostalAddress => ({
  ...given,
  line2: given.line2 ?? null,
  region: given.region ?? null,
  postalCode: given.postalCode ?? null,
});

/** Absent is unchanged, null is taken away. */
export function changed(address: PostalAddress, changes: Partly<keyof PostalAddress>): PostalAddress {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined);
  return { ...address, ...Object.fromEntries(given) };
}
