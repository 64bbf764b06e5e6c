// Work for later on orders.
import type { RecurringJob } from '../../shared/jobs/jobs.ts';
import type { OrderService } from './order.service.ts';

export const orderJobs = (orders: OrderService): RecurringJob[] => [
  {
    name: 'orders.expire',
    everySeconds: 5,
    run: async () => {
      // Batch by batch, so that a backlog after an outage is worked off in one run.
      while ((await orders.expireOverdue()) > 0);
    },
  },
];
