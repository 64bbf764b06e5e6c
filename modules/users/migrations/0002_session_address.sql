-- Whence a login was last carried on: shown to its owner, who can tell a stranger's by it.
ALTER TABLE users.sessions ADD COLUMN address text;
