-- Staff look for accounts by role and status. An index of some roles or some statuses only cannot serve a statement that was planned
-- once for all values, which PostgreSQL does from its sixth execution on; so these have all.
CREATE INDEX users_role ON users.users (role, id);
CREATE INDEX users_status ON users.users (status, id);
CREATE INDEX users_role_status ON users.users (role, status, id);
DROP INDEX users.users_staff;
DROP INDEX users.users_not_active;
