// What log lines, SQL comments and the audit trail know of the request they belong to; never a transaction, never the caller.
import { AsyncLocalStorage } from 'node:async_hooks';

export type RequestContext = {
  requestId: string;
  /** W3C trace id, when there is a trace: the caller's, or one that is recorded here. */
  traceId?: string | undefined;
  /** Whence it came; absent for jobs. */ address?: string | undefined;
};

const storage = new AsyncLocalStorage<RequestContext>();

export const withRequestContext = <T>(context: RequestContext, work: () => T): T => storage.run(context, work);
export const currentRequest = (): RequestContext | undefined => storage.getStore();
export const currentRequestId = (): string | undefined => storage.getStore()?.requestId;
