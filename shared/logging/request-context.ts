// What log lines and SQL comments know of the request they belong to; never a transaction, never the caller.
import { AsyncLocalStorage } from 'node:async_hooks';

export type RequestContext = { requestId: string };

const storage = new AsyncLocalStorage<RequestContext>();

export const withRequestContext = <T>(context: RequestContext, work: () => T): T => storage.run(context, work);
export const currentRequestId = (): string | undefined => storage.getStore()?.requestId;
