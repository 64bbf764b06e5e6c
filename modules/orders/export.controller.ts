// From a request for an export to one call of the service, and from its answer to HTTP.
import { okStream } from '../../shared/http/reply.ts';
import type { Handler } from '../../shared/http/route.ts';
import type { ExportService } from './export.service.ts';
import type { exportOrders } from './export.validation.ts';

const fileNames = { 'text/csv': 'orders.csv', 'application/x-ndjson': 'orders.ndjson' };

export class ExportController {
  private readonly exports: ExportService;

  constructor(exports: ExportService) {
    this.exports = exports;
  }

  readonly getExport: Handler<typeof exportOrders> = async ({ actor, query, accepts }) =>
    okStream(this.exports.export(actor, accepts, query), {
      'Content-Type': `${accepts}; charset=utf-8`,
      'Content-Disposition': `attachment; filename="${fileNames[accepts]}"`,
    });
}
