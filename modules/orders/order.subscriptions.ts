// What orders hear: all that is told of their payments, for the timeline.
import { subscription, type Fact, type Subscription } from '../../shared/events/dispatcher.ts';
import type { TimelineService } from './timeline.service.ts';

const told = [
  'payment.authorized',
  'payment.captured',
  'payment.declined',
  'payment.voided',
  'payment.refunded',
  'payment.orphaned',
] as const;

export const orderSubscriptions = (timeline: TimelineService): Subscription[] =>
  told.map((type) =>
    subscription('orders', type, ({ id: eventId, occurredAt: happenedAt, payload }: Fact<typeof type>) =>
      timeline.notePayment({ eventId, type, happenedAt, ...payload }),
    ),
  );
