// What the codes mean that no single module owns: the text of their pages under /docs/errors/.

export const conventionPages: Record<string, string> = {
  validation_failed:
    'The request does not fit the schema of this operation. Each entry of errors[] points at one place, with a code and what is expected there. Nothing was changed; mend the request and send it again.',
  malformed_json:
    'The body could not be read as JSON, or was shorter or longer than Content-Length said. Nothing was changed.',
  malformed_request:
    'What came over the connection is not a request of HTTP/1.1: a broken line, a header that nobody may send, a body whose end is told in two ways. Nothing was done, and the connection is closed.',
  headers_too_large: 'The request line and the headers are together larger than 16 kB. Nothing was done.',
  path_invalid: 'The path contains a percent sign that does not begin a valid escape.',
  accept_unsupported:
    'None of the content types in Accept is one that this operation sends. errors[] names those that it does.',
  cursor_invalid:
    'The cursor is not one that this list gave out. Cursors are opaque: send page.nextCursor back as it came, or none for the first page.',
  idempotency_key_required:
    'This operation has an effect that must not happen twice. Send an Idempotency-Key header: a new value for each intent, the same value for each retry of it.',
  idempotency_key_invalid: 'The Idempotency-Key must be 1 to 255 visible ASCII characters, e.g. a UUID.',
  idempotency_key_reused:
    'This key was already used with another request body. Use a new key for a new intent; a retry must repeat the body exactly.',
  idempotency_in_progress:
    'A request with this key is being worked on right now. Wait as Retry-After says and send the same request again: it will get the answer of the first.',
  if_match_required:
    'Changing this needs an If-Match header with the ETag of what you read, so that nobody overwrites a change unseen.',
  if_match_invalid: 'If-Match takes one strong ETag exactly as this API gave it, for example "7".',
  version_stale:
    'Somebody changed this after you read it. Read it again, look at what changed, and send your change with the new ETag.',
  token_required:
    'This operation needs to know who is calling: send Authorization: Bearer with the access token from POST /auth/login.',
  token_invalid:
    'The access token is not one of ours, is damaged, or its session was ended: log in again. Or the API key is not one of ours, has expired or was revoked.',
  token_expired: 'Access tokens are good for 15 minutes. Get a new one from POST /auth/refresh.',
  permission_denied:
    'You are known, but your role does not include the permission that this operation needs. The permissions are listed at the operation in /docs.',
  origin_not_allowed:
    'Your web page has an origin that is not in the list CORS_ORIGIN of this server. Programs that are not web pages send no Origin header.',
  duplicate_sku:
    'Each SKU may stand in one line only. errors[] points at the repeated ones; of an order, put the whole quantity into one line.',
  unknown_sku: 'There is no such SKU. errors[] points at it.',
  unknown_line:
    'The order has no line with this id. errors[] points at it; the ids of the lines are in GET /orders/{id}.',
  duplicate_line: 'Each line may be named once. Put the whole quantity into one; errors[] points at the repeated ones.',
  route_not_found: 'There is nothing at this path. The paths that exist are listed in /docs.',
  method_not_allowed: 'The path exists, but not with this method. The Allow header lists those it has.',
  request_timed_out: 'The request did not arrive completely in time. Send it again.',
  body_too_large: 'The body is larger than this operation takes (16 kB).',
  unsupported_media_type: 'Bodies are application/json, in UTF-8, without Content-Encoding.',
  rate_limited:
    'Too many requests came from this account or address. Retry-After says when to go on; the RateLimit headers tell how much is left.',
  internal_error:
    'A defect of ours. Nothing more is told here; the requestId finds it in the log. A request with an Idempotency-Key can safely be sent again.',
  database_unavailable:
    'The database could not answer just now. Wait as Retry-After says and send the same request again; with the same Idempotency-Key nothing happens twice, even if this request did succeed.',
  database_busy:
    'More requests wait for the database than can be answered soon. Wait as Retry-After says and try again.',
  unavailable:
    'The proxy in front reached no process that answered. Wait as Retry-After says and send the same request again, with the same Idempotency-Key.',
  overloaded:
    'There is more to do than can be done just now, and what can wait is turned away first: the catalogue and exports, then most else; cancelling and refunding never. Nothing was done. Wait as Retry-After says and send the same request again.',
  not_ready: 'This process takes no requests just now: it is starting, stopping, or cannot reach its database.',
};
