// Yardstick: Fastify 5 with no plugin at all, one route and one JSON answer a path.
import { readFileSync } from 'node:fs';
import { fastify } from 'fastify';

const answers = JSON.parse(readFileSync(process.env['ANSWERS'] ?? '', 'utf8')) as Record<string, unknown>;

const app = fastify();
for (const [path, answer] of Object.entries(answers)) app.get(path, (_request, reply) => reply.send(answer));
await app.listen({ port: Number(process.env['PORT']), host: '127.0.0.1' });
