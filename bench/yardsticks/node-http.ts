// Yardstick: node:http alone, one JSON answer a path.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const answers = JSON.parse(readFileSync(process.env['ANSWERS'] ?? '', 'utf8')) as Record<string, unknown>;

createServer((request, response) => {
  const body = JSON.stringify(answers[request.url ?? '']);
  response
    .writeHead(200, { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': Buffer.byteLength(body) })
    .end(body);
}).listen(Number(process.env['PORT']), '127.0.0.1');
