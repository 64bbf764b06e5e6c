// Faults to plant in the files for nginx and HAProxy, each with the promise that has to notice it.
import type { Edit } from './edge.ts';

export type Proxy = 'nginx' | 'haproxy';
type Fault = {
  edit: Edit;
  /** `syntax` is what the program itself refuses. */
  noticedBy: string;
};

const swap =
  (from: string | RegExp, to: string): Edit =>
  (text) =>
    text.replace(from, to);

export const faults: Record<Proxy, Record<string, Fault>> = {
  nginx: {
    typo: { edit: swap('client_max_body_size', 'client_max_body_sise'), noticedBy: 'syntax' },
    variable: { edit: swap('$remote_addr', '$remote_adr'), noticedBy: 'syntax' },
    upstream: { edit: swap('upstream waybill', 'upstream wayward'), noticedBy: 'syntax' },
    'believes-callers': {
      edit: swap('X-Forwarded-For $remote_addr', 'X-Forwarded-For $proxy_add_x_forwarded_for'),
      noticedBy: 'address',
    },
    'repeats-all': { edit: swap('http_503;', 'http_503 non_idempotent;'), noticedBy: 'once' },
    'repeats-none': { edit: swap(' non_idempotent;', ';'), noticedBy: 'again' },
    'no-tls-1.2': { edit: swap('TLSv1.2 TLSv1.3', 'TLSv1.3'), noticedBy: 'tls' },
    'tls-once': { edit: swap('include waybill/tls.conf;', ''), noticedBy: 'tls' },
    'second-id': { edit: swap('X-Request-Id $waybill_request_id', 'X-Request-Id $request_id'), noticedBy: 'id' },
    'holds-streams': {
      edit: swap('proxy_buffering on;', 'proxy_ignore_headers X-Accel-Buffering;'),
      noticedBy: 'stream',
    },
    'weak-etag': { edit: swap('text/csv', 'text/csv application/json'), noticedBy: 'etag' },
    'second-header': {
      edit: swap('recursive', 'add_header Cache-Control private;\n    recursive'),
      noticedBy: 'headers',
    },
    'logs-query': { edit: swap('"path":"$uri"', '"path":"$request_uri"'), noticedBy: 'log' },
  },
  haproxy: {
    typo: { edit: swap('option redispatch', 'option redispach'), noticedBy: 'syntax' },
    backend: { edit: swap('default_backend waybill', 'default_backend wayward'), noticedBy: 'syntax' },
    'believes-callers': {
      edit: swap('set-header X-Forwarded-For', 'add-header X-Forwarded-For'),
      noticedBy: 'address',
    },
    'repeats-all': { edit: swap(/.*disable-l7-retry.*\n/, ''), noticedBy: 'once' },
    'repeats-none': { edit: swap(/ unless \{ method GET.*/, ''), noticedBy: 'again' },
    'second-id': { edit: swap(/.*req\.hdr\(x-request-id\).*\n/, ''), noticedBy: 'id' },
    'weak-etag': { edit: swap('type text/csv', 'type application/json'), noticedBy: 'etag' },
    'logs-query': { edit: swap('set-var(txn.path) path', 'set-var(txn.path) pathq'), noticedBy: 'log' },
    'asks-nobody': { edit: swap(/check inter .* rise 1 /, ''), noticedBy: 'health' },
  },
};
