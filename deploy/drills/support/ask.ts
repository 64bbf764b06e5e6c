// One request to a proxy on a connection of its own, as a stranger makes it.
import { once } from 'node:events';
import { request as requestInClear, type IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { HOST } from './certificate.ts';
import type { Edge } from './edge.ts';

export type Asked = {
  status: number;
  /** Every value of it, as it came. */
  header: (name: string) => string[];
  text: string;
};

type Question = { method?: string; headers?: Record<string, string>; body?: string };

export async function ask(edge: Edge, path: string, question: Question = {}): Promise<Asked> {
  const response = await open(edge, path, question);
  let text = '';
  for await (const piece of response.setEncoding('utf8')) text += String(piece);
  return { status: response.statusCode ?? 0, header: (name) => valuesOf(response, name), text };
}

/** The answer as soon as its head is there. */
export async function open(
  { httpsPort, ca, servername }: Edge,
  path: string,
  { method = 'GET', headers = {}, body }: Question = {},
): Promise<IncomingMessage> {
  const outgoing = request({
    host: '127.0.0.1',
    port: httpsPort,
    ca,
    servername,
    method,
    path,
    headers: { Host: HOST, ...headers },
    agent: false,
    timeout: 10_000,
  });
  outgoing.once('timeout', () => outgoing.destroy(new Error('no answer in 10 s')));
  outgoing.end(body);
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return response;
}

/** By http. @returns the status and where it sends us */
export async function askInClear({ httpPort }: Edge, path: string): Promise<[number, string]> {
  const outgoing = requestInClear({ host: '127.0.0.1', port: httpPort, path, headers: { Host: HOST }, agent: false });
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  response.resume();
  return [response.statusCode ?? 0, response.headers.location ?? ''];
}

const valuesOf = ({ rawHeaders }: IncomingMessage, name: string): string[] =>
  rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name.toLowerCase());
