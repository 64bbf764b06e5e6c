// The pages for people: Swagger UI at /docs/, and one page per error code at /docs/errors/<code>.
import express, { Router } from 'express';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { notFound } from '../errors/app-error.ts';
import { titleOf } from './problem.ts';

const swaggerFolder = dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));

/** Served by us, nothing inline and nothing from elsewhere: it lives with the strict Content-Security-Policy. */
export function docsPages({ document, errorPages }: { document: object; errorPages: Record<string, string> }): Router {
  const router = Router();
  const openApi = JSON.stringify(document, null, 2);
  router.get('/', (_request, response) => response.redirect('/docs/'));
  router.get('/openapi.json', (_request, response) => void response.type('json').send(openApi));
  router.get('/docs/errors', (_request, response) => void response.type('html').send(errorIndex(errorPages)));
  router.get('/docs/errors/:code', (request, response) => {
    const { code } = request.params;
    const text = Object.hasOwn(errorPages, code) ? errorPages[code] : undefined;
    if (text === undefined) throw notFound('route_not_found', 'There is no error of this code.');
    response.type('html').send(page(titleOf(code), `<p><code>${code}</code></p><p>${escapeHtml(text)}</p>`));
  });
  router.get('/docs/waybill.js', (_request, response) => void response.type('js').send(initializer));
  router.get('/docs/', (_request, response) => void response.type('html').send(swaggerPage));
  router.use('/docs/assets', express.static(swaggerFolder, { index: false, immutable: true, maxAge: '1d' }));
  return router;
}

const initializer = `window.ui = SwaggerUIBundle({
  url: '/openapi.json',
  dom_id: '#ui',
  deepLinking: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  presets: [SwaggerUIBundle.presets.apis],
});
`;

const swaggerPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Waybill API</title>
<link rel="stylesheet" href="/docs/assets/swagger-ui.css">
<link rel="icon" href="/docs/assets/favicon-32x32.png">
</head>
<body>
<div id="ui"></div>
<script src="/docs/assets/swagger-ui-bundle.js"></script>
<script src="/docs/waybill.js"></script>
</body>
</html>
`;

function errorIndex(errorPages: Record<string, string>): string {
  const items = Object.keys(errorPages)
    .toSorted()
    .map((code) => `<li><a href="/docs/errors/${code}"><code>${code}</code></a> ${titleOf(code)}</li>`);
  return page('Errors', `<ul>${items.join('')}</ul>`);
}

const page = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title} · Waybill</title></head><body><h1>${title}</h1>${body}<p><a href="/docs/errors">All errors</a> · <a href="/docs/">The API</a></p></body></html>\n`;

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
