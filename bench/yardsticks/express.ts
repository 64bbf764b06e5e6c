// Yardstick: Express 5 with no middleware at all, one route and one JSON answer a path.
import { readFileSync } from 'node:fs';
import express from 'express';

const answers = JSON.parse(readFileSync(process.env['ANSWERS'] ?? '', 'utf8')) as Record<string, unknown>;

const app = express();
for (const [path, answer] of Object.entries(answers)) app.get(path, (_request, response) => void response.json(answer));
app.listen(Number(process.env['PORT']), '127.0.0.1');
