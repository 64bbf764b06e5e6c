// The API of the timeline at a glance.
import { route, type Route } from '../../shared/http/route.ts';
import type { TimelineController } from './timeline.controller.ts';
import { getTimeline } from './timeline.validation.ts';

export const timelineRoutes = (timeline: TimelineController): Route[] => [
  route('get', '/orders/{id}/timeline', ['orders:own', 'orders:read'], getTimeline, timeline.getTimeline),
];
