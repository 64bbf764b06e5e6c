-- For the export of one person's data.
CREATE INDEX payments_of_customer ON payments.payments (customer_id, id);
