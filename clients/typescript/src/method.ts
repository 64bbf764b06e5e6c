// What a method of the client looks like, by its operation.
import type { Operations, operations } from './api.ts';

export type OperationId = keyof Operations;

/** For any operation. */
export type Extras = {
  /** Ends the call, its retries and its waits. */
  signal?: AbortSignal;
  headers?: Record<string, string>;
};
/** What comes with every answer. */
export type Meta = {
  /** Goes into `ifMatch` of the next change. */
  etag: string | null;
  /** Name it when you ask for help. */
  requestId: string | null;
  /** The server had already answered this key: nothing was done anew. */
  isReplay: boolean;
};

export type Input<Id extends OperationId> = Operations[Id]['input'] & Extras;
export type Answer<Id extends OperationId> = Operations[Id]['answer'] & Meta;
export type Code<Id extends OperationId> = Operations[Id]['code'];

type Arguments<Id extends OperationId> =
  Partial<Input<Id>> extends Input<Id> ? [input?: Input<Id>] : [input: Input<Id>];
type Item<Id extends OperationId> = Operations[Id]['answer'] extends { data: Array<infer One> } ? One : never;
type ListId = { [Id in OperationId]: (typeof operations)[Id]['isList'] extends true ? Id : never }[OperationId];

export type Method<Id extends OperationId> = ((...input: Arguments<Id>) => Promise<Answer<Id>>) &
  (Id extends ListId
    ? {
        /** Every row, page after page; the next page is asked for when it is needed. */
        each: (...input: Arguments<Id>) => AsyncIterableIterator<Item<Id>>;
      }
    : unknown);

export type Methods = { [Id in OperationId]: Method<Id> };
