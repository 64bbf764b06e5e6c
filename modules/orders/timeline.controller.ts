// From a request for a timeline to one call of the service, and from its answer to HTTP.
import { okPage } from '../../shared/http/reply.ts';
import type { Handler } from '../../shared/http/route.ts';
import type { TimelineService } from './timeline.service.ts';
import type { getTimeline } from './timeline.validation.ts';

export class TimelineController {
  private readonly timeline: TimelineService;

  constructor(timeline: TimelineService) {
    this.timeline = timeline;
  }

  readonly getTimeline: Handler<typeof getTimeline> = async ({ actor, params, query }) =>
    okPage(await this.timeline.list(actor, params.id, query));
}
