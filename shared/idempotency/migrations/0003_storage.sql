-- A day's keys come and go each day: cleared twenty times a day and not five, so that the purge does not pass over those it purged before.
ALTER TABLE idempotency.keys SET (autovacuum_vacuum_scale_factor = 0.05);
