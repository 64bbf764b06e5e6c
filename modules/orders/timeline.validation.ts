// What may come in for the timeline; OpenAPI is derived from it.
import { z } from 'zod';
import type { Operation } from '../../shared/http/route.ts';
import { idParams, pageQuery } from '../../shared/http/schemas.ts';
import { timelineEntryView } from './timeline.view.ts';

const timelineQuery = z.strictObject(pageQuery);
export type GetTimeline = z.output<typeof timelineQuery>;

export const getTimeline = {
  operationId: 'getOrderTimeline',
  summary: 'What happened to an order, oldest first',
  description:
    'Every step of the order, its fulfillments and deliveries, and what was heard of its payments, in the order in which it was recorded.',
  params: idParams,
  query: timelineQuery,
  answers: { 200: [timelineEntryView] },
  problems: { 404: ['order_not_found'] },
} satisfies Operation;
