// What may come in when somebody asks about their own data.
import type { Operation } from '../../shared/http/route.ts';
import { exportSchema } from './privacy.view.ts';

export const deleteMyAccount = {
  operationId: 'deleteMyAccount',
  summary: 'Delete your account',
  description:
    'For good. Your name, addresses, sessions and notes are erased everywhere; orders keep their number, amounts and id. Your e-mail address can be registered again. Refused while an order is neither completed, cancelled nor expired.',
  conditional: true,
  answers: { 204: null },
  problems: { 409: ['orders_open', 'last_admin'] },
} satisfies Operation;

export const exportMyData = {
  operationId: 'exportMyData',
  summary: 'All that is held about you',
  description: 'Sent as it is read: an answer that breaks off is not complete.',
  answers: { 200: exportSchema },
} satisfies Operation;
