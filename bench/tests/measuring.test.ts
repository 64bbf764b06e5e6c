// What the bench tells is right: middles, slopes, chance, CPU time of processes, answers that come in pieces.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Connection } from '../support/connection.ts';
import { cpuMicrosOf } from '../support/cpu.ts';
import { loadHttp } from '../support/load.ts';
import { plotOf } from '../support/plot.ts';
import { preparedOf, scriptOf, sevenStatements } from '../support/statements.ts';
import { chance, figureOf, quantile, shuffled, slopeOf } from '../support/statistics.ts';

describe('statistics', () => {
  test('the middle of an even number lies between two', () => {
    expect(figureOf([4, 1, 3, 2])).toEqual({ median: 2.5, min: 1, max: 4 });
    expect(figureOf([5, 1, 3])).toEqual({ median: 3, min: 1, max: 5 });
  });

  test('the 99th of a hundred is the last but none', () => {
    const hundred = Array.from({ length: 100 }, (_, i) => i + 1);
    expect([quantile(hundred, 0.5), quantile(hundred, 0.99), quantile(hundred, 1)]).toEqual([51, 100, 100]);
  });

  test('a slope is not moved by a wild point', () => {
    const points = Array.from({ length: 20 }, (_, x) => ({ x, y: x === 7 ? 1e9 : 2 * x }));
    expect(slopeOf(points)).toBe(2);
  });

  test('the same seed gives the same order, another one another', () => {
    const items = Array.from({ length: 20 }, (_, i) => i);
    expect(shuffled(items, chance(1))).toEqual(shuffled(items, chance(1)));
    expect(shuffled(items, chance(1))).not.toEqual(shuffled(items, chance(2)));
    expect(shuffled(items, chance(1)).toSorted((one, other) => one - other)).toEqual(items);
  });
});

describe('CPU time', () => {
  test.runIf(process.platform === 'linux')('is that of a process and of its children, living and ended', async () => {
    const burn = 'while (process.cpuUsage().user < 600_000) for (let i = 0; i < 1e6; i++);';
    const program = `
      const { spawn, spawnSync } = require('node:child_process');
      spawnSync(process.execPath, ['-e', ${JSON.stringify(burn)}]);
      spawn(process.execPath, ['-e', ${JSON.stringify(`${burn} process.stdout.write('burnt'); setInterval(() => {}, 1000)`)}], { stdio: 'inherit' });`;
    const parent = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    await once(parent.stdout, 'data');
    expect(await cpuMicrosOf(parent.pid ?? 0)).toBeGreaterThanOrEqual(1_200_000);
    process.kill(-(parent.pid ?? 0), 'SIGKILL');
  });
});

describe('a client', () => {
  const asPieces = async (pieces: string[]): Promise<{ port: number; close: () => void }> => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', () => {
        void (async () => {
          for (const piece of pieces) {
            socket.write(piece);
            await sleep(5);
          }
        })();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
  };

  test('understands an answer that comes in pieces', async () => {
    const { port, close } = await asPieces(['HTTP/1.1 200 OK\r\nContent-', 'Length: 5\r\n\r', '\nhel', 'lo']);
    const connection = await Connection.open(port);
    const { status, body } = await connection.ask('GET / HTTP/1.1\r\n\r\n');
    expect([status, body.toString()]).toEqual([200, 'hello']);
    connection.close();
    close();
  });

  test('refuses to guess where an answer ends', async () => {
    const { port, close } = await asPieces(['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n']);
    const connection = await Connection.open(port);
    await expect(connection.ask('GET / HTTP/1.1\r\n\r\n')).rejects.toThrow('without Content-Length');
    close();
  });

  test('counts what was turned away by its code, and not as done', async () => {
    const body = '{"code":"overloaded"}';
    const { port, close } = await asPieces([`HTTP/1.1 503 No\r\nContent-Length: ${body.length}\r\n\r\n${body}`]);
    const load = await loadHttp({ port, clients: 2, ms: Infinity, operations: 6, requests: () => () => 'GET / HTTP/1.1\r\n\r\n' }); // prettier-ignore
    expect(load).toMatchObject({ operations: 0, failures: { '503 overloaded': 6 } });
    close();
  });
});

describe('the statements of an order', () => {
  test('are seven, and the same for pgbench and for our client', () => {
    expect(sevenStatements).toHaveLength(7);
    expect(preparedOf(`SELECT :a::text, :b, ':' || :a`)).toEqual({ text: `SELECT $1::text, $2, ':' || $1`, names: ['a', 'b'] }); // prettier-ignore
    expect(scriptOf(sevenStatements, true).split('\n').filter((line) => line.startsWith('\\set '))).toEqual(['\\set n 1', '\\set customer random(1, 128)']); // prettier-ignore
  });
});

test('a plot has a bar for each figure, and no text of its own becomes markup', () => {
  const bars = [{ label: 'Waybill <b>', median: 2, min: 1, max: 3 }];
  const svg = plotOf('a & b', { unit: 'x', groups: [{ title: 'g', bars }] });
  expect(svg.match(/<rect/g)).toHaveLength(1);
  expect(svg).toContain('Waybill &lt;b&gt;');
  expect(svg).toContain('a &amp; b');
});
