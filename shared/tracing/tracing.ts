// Traces by OpenTelemetry (http → express → pg), sent to an OTLP endpoint; imported only when one is configured.
import type { IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { diag, DiagLogLevel, trace } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { ExpressInstrumentation, ExpressLayerType } from '@opentelemetry/instrumentation-express';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { PgInstrumentation } from '@opentelemetry/instrumentation-pg';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  NodeTracerProvider,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import type { Logger } from '../logging/logger.ts';

/** A collector that is away must not hold up the end of a process. */
const EXPORT_TIMEOUT_MS = 2000;

type Options = {
  /** The collector's base URL; traces go to `/v1/traces` below it. */
  endpoint: string;
  /** Of the requests that bring no trace of their own, 0 to 1. */
  sampleRatio: number;
  version: string;
  role: string;
  logger: Logger;
};

/** Before the app is made: routes that are mounted earlier are not seen. @returns how to end it; what is under way is sent first */
export function startTracing({ endpoint, sampleRatio, version, role, logger }: Options): () => Promise<void> {
  const warn = (message: string) => logger.warn({ reason: message }, 'traces not sent');
  diag.setLogger({ error: warn, warn, info: silent, debug: silent, verbose: silent }, DiagLogLevel.WARN);
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/$/, '')}/v1/traces`,
    timeoutMillis: EXPORT_TIMEOUT_MS,
  });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'waybill',
      'service.version': version,
      'service.instance.id': String(process.pid),
      'waybill.role': role,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
    spanProcessors: [withoutRouters(new BatchSpanProcessor(exporter))],
  });
  provider.register();
  registerInstrumentations({ tracerProvider: provider, instrumentations: instrumentations() });
  patchWhatIsLoaded();
  return () => provider.shutdown().catch((error: unknown) => warn(String(error)));
}

export const currentTraceId = (): string | undefined => trace.getActiveSpan()?.spanContext().traceId;

const silent = (): void => undefined;

/** Statements as they are written, never their values; no query string, no address of a person (as in the log). */
const instrumentations = () => [
  new HttpInstrumentation({
    ignoreIncomingRequestHook: ({ url = '' }) => probes.test(url),
    startIncomingSpanHook: withoutPersons,
  }),
  new ExpressInstrumentation({ ignoreLayersType: [ExpressLayerType.MIDDLEWARE] }),
  // The dispatcher and the queue look every second: nobody wants to read that.
  new PgInstrumentation({ requireParentSpan: true }),
];

const probes = /^\/(health|healthz|livez|ready|readyz|version|metrics)(\?|$)/;

const withoutPersons = ({ url = '' }: IncomingMessage) => ({
  ...(url.includes('?') && { 'url.query': hidden }),
  'client.address': hidden,
  'network.peer.address': hidden,
});

const hidden = '[redacted]';

/** They last no time and have names of routers passed by; not making them would lose the route's name (instrumentation-express 0.71). */
const withoutRouters = (processor: SpanProcessor): SpanProcessor => ({
  onStart: (span, context) => processor.onStart(span, context),
  onEnd: (span) => void (span.attributes['express.type'] === 'router' || processor.onEnd(span)),
  forceFlush: () => processor.forceFlush(),
  shutdown: () => processor.shutdown(),
});

/**
 * Instrumentations wait for a `require` of their library, but ours are imported long before. What they patch are prototypes that
 * every import shares, so requiring each once more is enough: no loader hook, no flag on the command line.
 */
function patchWhatIsLoaded(): void {
  const require = createRequire(import.meta.url);
  for (const library of ['http', 'https', 'express', 'pg']) require(library);
  createRequire(require.resolve('pg'))('pg-pool');
}
