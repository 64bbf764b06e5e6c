// A server that stops while clients talk to it: nobody who was heard goes without an answer.
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, test } from 'vitest';
import { HttpDrain } from '../http-drain.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.closeAllConnections();
});

async function start(listener: RequestListener): Promise<{ server: Server; drain: HttpDrain; port: number }> {
  const server = createServer({ keepAliveTimeout: 65_000 }, listener);
  servers.push(server);
  const drain = new HttpDrain(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, drain, port: (server.address() as AddressInfo).port };
}

/** A client whose connection stays open, and that hears every byte. */
async function talk(port: number) {
  const socket: Socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  let heard = '';
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  socket.on('error', () => undefined); // a reset shows as a missing answer
  const untilHeard = async (answers: number): Promise<string> => {
    while (heard.split('HTTP/1.1 ').length - 1 < answers && !socket.closed) await sleep(5);
    return heard;
  };
  return {
    say: (text = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n') => socket.write(text),
    untilHeard,
    untilClosed: async () => void (socket.closed || (await once(socket, 'close'))),
    get isClosed() {
      return socket.closed;
    },
  };
}

const answering: RequestListener = (_request, response) => response.end('done');

describe('a server that drains', () => {
  test('lets an idle connection speak once more, answers it and asks it to leave', async () => {
    const { drain, port } = await start(answering);
    const client = await talk(port);
    client.say();
    expect(await client.untilHeard(1)).toContain('Connection: keep-alive');
    const finished = drain.finish();
    await sleep(50);
    expect(client.isClosed).toBe(false);
    client.say();
    const last = (await client.untilHeard(2)).split('HTTP/1.1 ').at(-1);
    expect(last).toContain('200 OK');
    expect(last).toContain('Connection: close');
    await finished;
  });

  test('answers what is running, and that answer says to leave too', async () => {
    let answer: () => void = () => undefined;
    const { server, drain, port } = await start((_request, response) => {
      answer = () => void response.end('slow');
    });
    const client = await talk(port);
    const asked = once(server, 'request');
    client.say();
    await asked;
    const finished = drain.finish();
    answer();
    expect(await client.untilHeard(1)).toMatch(/200 OK[^]*Connection: close[^]*slow/);
    await finished;
  });

  test.each(['before', 'after'])(
    'answers all that were sent at once %s it began, and only the last answer says to leave',
    async (when) => {
      const answers: (() => void)[] = [];
      const { drain, port } = await start((_request, response) => answers.push(() => void response.end('slow')));
      const client = await talk(port);
      let finished = when === 'after' ? drain.finish() : null;
      client.say();
      client.say();
      await expect.poll(() => answers.length).toBe(2);
      finished ??= drain.finish();
      for (const answer of answers) answer();
      expect(await client.untilHeard(2)).toMatch(/Connection: keep-alive[^]*slow[^]*Connection: close[^]*slow/);
      await finished;
    },
  );

  test('takes no new connection', async () => {
    const { drain, port, server } = await start(answering);
    const client = await talk(port);
    client.say();
    await client.untilHeard(1);
    const finished = drain.finish();
    // Who had called before is still let in.
    await expect.poll(() => server.listening, { interval: 1 }).toBe(false);
    await expect(talk(port)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await finished;
  });

  test('closes who stays silent, and ends at once when nobody is there', async () => {
    const { drain, port } = await start(answering);
    const silent = await talk(port);
    silent.say();
    await silent.untilHeard(1);
    await drain.finish();
    await silent.untilClosed();
    const empty = await start(answering);
    await empty.drain.finish();
    expect(empty.server.listening).toBe(false);
  });
});
