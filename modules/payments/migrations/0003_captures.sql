-- A capture that was asked for is remembered before the provider is asked, as a void is; the job goes on with it.
ALTER TABLE payments.payments ADD COLUMN wants_capture boolean NOT NULL DEFAULT false;
