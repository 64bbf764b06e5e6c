// What no honest client sends, byte for byte, and what may be answered: told to the app in the tests, to a real process in the drill.
import { connect } from 'node:net';
import { once } from 'node:events';
import { brotliCompressSync, gzipSync } from 'node:zlib';

export type Target = { hostname: string; port: number; token: string };
/** `statuses` in the order of the answers; a list inside is a choice. None: the connection is closed without a word. */
export type Probe = { name: string; bytes: string | Buffer; statuses: (number | number[])[]; halfCloses?: true };
export type Heard = { status: number; headers: Record<string, string>; body: string };

export function hostileProbes({ hostname, port, token }: Target): Probe[] {
  const host = `Host: ${hostname}:${port}`;
  const raw = (line: string, headers: string[] = [], body = '') => [line, host, ...headers, '', body].join('\r\n');
  const get = (path: string, headers: string[] = []) => raw(`GET ${path} HTTP/1.1`, ['Connection: close', ...headers]);
  const json = ['Content-Type: application/json', `Authorization: Bearer ${token}`];
  const post = (headers: string[], body: string, path = '/api/v1/orders') =>
    raw(`POST ${path} HTTP/1.1`, ['Idempotency-Key: probe', 'Connection: close', ...headers], body);
  const sized = (body: string, headers: string[] = json) =>
    post([...headers, `Content-Length: ${Buffer.byteLength(body)}`], body);
  const webhook = (body: string) => post([`Content-Length: ${body.length}`], body, '/api/v1/payments/webhooks/test');
  const chunked = (body: string) => post([...json, 'Transfer-Encoding: chunked'], body);
  const packed = (bytes: Buffer, encoding: string) =>
    Buffer.concat([
      Buffer.from(post([...json, `Content-Encoding: ${encoding}`, `Content-Length: ${bytes.length}`], '')),
      bytes,
    ]);
  const one = (name: string, bytes: Probe['bytes'], ...statuses: Probe['statuses']): Probe => ({
    name,
    bytes,
    statuses,
  });
  const list = '/api/v1/products';

  return [
    // the request line
    one('nothing but line ends', '\r\n\r\n\r\n\r\nx\r\n\r\n', 400),
    one('bytes at random', Buffer.from([0, 255, 254, 22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3]), 400),
    one('TLS to a plain port', Buffer.from('160301020001000001fc0303', 'hex'), 400),
    one('HTTP/0.9', 'GET /health\r\n\r\n', [200, 400]),
    one('HTTP/2 by its preface', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400),
    one('HTTP/3.0', raw('GET /health HTTP/3.0'), 400),
    one('HTTP/1.0 with keep-alive', 'GET /health HTTP/1.0\r\nConnection: close\r\n\r\n', 200),
    one('another protocol', 'SSH-2.0-OpenSSH_9.2\r\n', 400),
    one('a method of its own', raw('SHUTDOWN / HTTP/1.1'), 400),
    one('a method in small letters', raw('get /health HTTP/1.1'), 400),
    one('two spaces in the line', raw('GET  /health HTTP/1.1', ['Connection: close']), [200, 400]),
    one('a tab in the line', raw('GET\t/health HTTP/1.1'), 400),
    one('a path without its slash', raw('GET health HTTP/1.1'), 400),
    one('NUL in the path', raw('GET /health\0 HTTP/1.1'), 400),
    one('a path of 20 kB', get(`/${'x'.repeat(20_000)}`), 431),
    one('CONNECT', raw('CONNECT shop.example:443 HTTP/1.1'), 400),
    one('TRACE', raw('TRACE / HTTP/1.1', ['Connection: close']), 404),
    one('TRACE of an operation', raw(`TRACE ${list} HTTP/1.1`, ['Connection: close']), 405),
    one('OPTIONS of everything', raw('OPTIONS * HTTP/1.1', ['Connection: close']), [200, 204, 404]),
    // the path
    one('an absolute URI', get('http://evil.example/health'), 200),
    one('an absolute URI of another scheme', get('ftp://evil.example/health'), [200, 400, 404]),
    one('an absolute URI with a user', get('http://a:b@evil.example:99999/health'), [200, 400, 404]),
    one('a host that is none', get('http://[::1/health'), 400),
    one('two slashes', get('//evil.example/health'), [200, 404]),
    one('a percent sign alone', get(`${list}/%`), 400),
    one('bad hex in the path', get(`${list}/%zz`), 400),
    one('half a character in the path', get(`${list}/%c3`), 400),
    one('an overlong encoding', get(`${list}/%c0%ae%c0%ae`), 400),
    one('NUL by percent', get(`${list}/%00`), 400),
    one('a lone surrogate by percent', get(`${list}/%ed%a0%80`), 400),
    one('bytes above ASCII', Buffer.from(get('/api/v1/\xff\xfe'), 'latin1'), [400, 404]),
    one('steps up', get('/docs/../../../etc/passwd'), 404),
    one('steps up by percent', get('/docs/%2e%2e%2f%2e%2e%2fetc%2fpasswd'), [400, 404]),
    one('a backslash', get('/docs\\..\\..\\server.ts'), 404),
    one('a query of 10 kB', get(`${list}?${'a'.repeat(10_000)}=1`), 400),
    one('1000 parameters', get(`${list}?${'a=1&'.repeat(1000)}`), 400),
    one('a parameter twice', get(`${list}?limit=1&limit=2`), 400),
    one('nested parameters', get(`${list}?limit[a][b][c]=1`), 400),
    one('bad hex in the query', get(`${list}?limit=%zz`), 400),
    one('a number beyond all', get(`${list}?limit=1e309`), 400),
    // headers
    one('no Host', 'GET /health HTTP/1.1\r\n\r\n', 400),
    one('a header without a colon', raw('GET /health HTTP/1.1', ['Nonsense']), 400),
    one('a header of 20 kB', get('/health', [`X-A: ${'x'.repeat(20_000)}`]), 431),
    one(
      '3000 headers',
      get(
        '/health',
        Array.from({ length: 3000 }, (_, i) => `X-${i}: 1`),
      ),
      431,
    ),
    one('NUL in a header', get('/health', ['X-A: \0']), 400),
    one('Authorization twice', get('/api/v1/orders', ['Authorization: Bearer a', 'Authorization: Bearer b']), 401),
    one('Authorization of 8 kB', get('/api/v1/orders', [`Authorization: Bearer ${'a'.repeat(8000)}`]), 401),
    one('Authorization of another kind', get('/api/v1/orders', ['Authorization: Basic YTpi']), 401),
    one('an Origin that is none', get(list, ['Origin: \x80javascript:']), 403),
    one('an X-Forwarded-For of 1000 hops', get(list, [`X-Forwarded-For: ${'1.1.1.1,'.repeat(1000)}`]), 200),
    one('an expectation', get('/health', ['Expect: the-impossible']), 417),
    one('an Upgrade to h2c', get('/health', ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABkAAQAAP__']), 200), // prettier-ignore
    one('an Upgrade to a WebSocket', get('/health', ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: x', 'Sec-WebSocket-Version: 13']), 200), // prettier-ignore
    one('a key twice', post([...json, 'Idempotency-Key: other', 'Content-Length: 2'], '{}'), 400),
    // where the body ends
    one('Content-Length and Transfer-Encoding', post([...json, 'Content-Length: 4', 'Transfer-Encoding: chunked'], '0\r\n\r\n'), 400), // prettier-ignore
    one('two Content-Lengths', post([...json, 'Content-Length: 2', 'Content-Length: 3'], '{}'), 400),
    one('a Content-Length in words', post([...json, 'Content-Length: two'], '{}'), 400),
    one('a Content-Length beyond 2^64', post([...json, 'Content-Length: 18446744073709551617'], '{}'), 400),
    one('a Content-Length of a terabyte', post([...json, 'Content-Length: 1099511627776'], '{}'), 413),
    one('an unknown Transfer-Encoding', post([...json, 'Transfer-Encoding: gzip'], '{}'), 400),
    one('a chunk of bad size', chunked('zz\r\n{}\r\n0\r\n\r\n'), 400),
    one('a chunk of great size', chunked('fffffffffffffffff\r\n{}'), 400),
    one('20 kB of extensions of a chunk', chunked(`2;${'x'.repeat(20_000)}\r\n{}\r\n0\r\n\r\n`), 413),
    one('20,000 chunks of a byte', chunked(`${'1\r\n \r\n'.repeat(20_000)}0\r\n\r\n`), 413),
    { ...one('a body that ends early', post([...json, 'Content-Length: 100'], '{"lines"'), 400), halfCloses: true },
    { ...one('a head that ends early', 'GET /health HTTP/1.1\r\nHos', 400), halfCloses: true },
    { ...one('a request, and no ear for its answer', get('/health'), 200), halfCloses: true },
    // what is in the body
    one('no JSON', sized('{"lines":'), 400),
    one('JSON that is no object', sized('"lines"'), 400),
    one('7000 brackets', sized('['.repeat(7000) + ']'.repeat(7000)), 400),
    one('7000 objects in one another', sized('{"a":'.repeat(2500) + '1' + '}'.repeat(2500)), 400),
    one('20 kB of JSON', sized(JSON.stringify({ note: 'x'.repeat(20_000) })), 413),
    one('NUL in the body', sized('{"note":"\\u0000","lines":[]}'), 400),
    one('a lone surrogate in the body', sized('{"note":"\\ud800","lines":[]}'), 400),
    one('__proto__', sized('{"__proto__":{"lines":[]}}'), 400),
    one('a number beyond all in the body', sized('{"lines":[{"sku":"A","quantity":1e400}]}'), 400),
    one('a gzip bomb', packed(gzipSync(Buffer.alloc(10_000_000)), 'gzip'), [413, 415]),
    one('a brotli bomb', packed(brotliCompressSync(Buffer.alloc(10_000_000)), 'br'), 415),
    one('gzip that is none', packed(Buffer.from('{}'), 'gzip'), 415),
    one('UTF-16', sized('{}', ['Content-Type: application/json; charset=utf-16', ...json.slice(1)]), 415),
    one('an unknown charset', sized('{}', ['Content-Type: application/json; charset=x', ...json.slice(1)]), 415),
    one('a form', sized('lines=1', ['Content-Type: application/x-www-form-urlencoded', ...json.slice(1)]), 415),
    one('parts', sized('--x\r\n', ['Content-Type: multipart/form-data; boundary=x', ...json.slice(1)]), 415),
    one('no Content-Type', sized('{}', json.slice(1)), 415),
    one('a webhook of noise', webhook('\0\0\0'), [400, 401]),
    one('a webhook of 300 kB', webhook('x'.repeat(300_000)), 413),
    // several on one connection
    one('three at once', raw('GET /health HTTP/1.1').repeat(2) + get('/health'), 200, 200, 200),
    one('one, then noise', `${raw('GET /health HTTP/1.1')}\0\0\0\r\n\r\n`, 200, 400),
  ];
}

/** What comes back on one connection until the server closes it. @throws when it is neither closed nor answered */
export async function probe({ hostname, port }: Target, { bytes, halfCloses }: Probe): Promise<Heard[]> {
  const socket = connect({ host: hostname, port });
  const chunks: Buffer[] = [];
  socket.on('error', () => undefined); // a reset shows as a missing answer
  socket.on('data', (chunk) => chunks.push(chunk));
  socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error('silence')));
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  if (halfCloses) socket.end();
  await once(socket, 'close');
  return answersIn(Buffer.concat(chunks).toString('latin1'));
}

const PATIENCE_MS = 5000;

/** One after the other, as long as Content-Length says. @throws when what was heard is not HTTP */
function answersIn(text: string): Heard[] {
  if (text === '') return [];
  const end = text.indexOf('\r\n\r\n');
  const [line = '', ...lines] = text.slice(0, end).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1]);
  if (end < 0 || Number.isNaN(status)) throw new Error(`this is no answer: ${JSON.stringify(text.slice(0, 200))}`);
  const headers = Object.fromEntries(lines.map((one) => [one.split(':', 1)[0]?.toLowerCase(), one.slice(one.indexOf(':') + 1).trim()])); // prettier-ignore
  const from = end + 4;
  const to = from + Number(headers['content-length'] ?? (headers['transfer-encoding'] === undefined ? 0 : text.length));
  return [{ status, headers, body: text.slice(from, to) }, ...answersIn(text.slice(to))];
}

/** What is wrong with the answers to a probe; nothing when all is well. */
export function faultsOf({ name, statuses }: Probe, answers: Heard[]): string[] {
  const told = answers.map(({ status }) => status);
  const fits = told.length === statuses.length && statuses.every((one, i) => [one].flat().includes(told[i] ?? 0));
  const shapes = answers.filter((answer) => answer.status >= 400 && !isProblem(answer)).map(({ body }) => `no problem: ${body.slice(0, 200)}`); // prettier-ignore
  return [...(fits ? [] : [`answered ${told.join(', ') || 'nothing'}, not ${statuses.join(', ')}`]), ...shapes].map(
    (fault) => `${name}: ${fault}`,
  );
}

/** Node says 417 by itself, without a body. */
function isProblem({ status, headers, body }: Heard): boolean {
  if (status === 417) return ['', '0\r\n\r\n'].includes(body);
  if (!headers['content-type']?.startsWith('application/problem+json')) return false;
  const problem = JSON.parse(body) as { status?: number; code?: string; requestId?: string };
  return problem.status === status && problem.requestId === headers['x-request-id'] && problem.code !== undefined;
}
