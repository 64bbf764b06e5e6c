// The face of the client.
export type * from './api.ts';
export { createClient, type Client, type ClientOptions } from './client.ts';
export type { Answer, Code, Extras, Input, Method } from './method.ts';
export { ConnectionError, isProblem, ProblemError, WaybillError, type FieldProblem, type Problem } from './errors.ts';
export type { RetryLimits } from './retry.ts';
export type { SessionTokens } from './session.ts';
