-- Staff look for accounts by status: those that are not active are few.
CREATE INDEX users_not_active ON users.users (status, id) WHERE status <> 'active';
