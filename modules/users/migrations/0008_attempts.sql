-- How often somebody has tried to log in and the like, by what they aimed at: counted here for all processes when there is no Redis.
-- Unlogged, so that an attempt does not wait for the disk: a crash of the server forgets a window, and no more.
CREATE UNLOGGED TABLE users.attempts (
  -- sha256, so that no address lies here.
  key text COLLATE "C" PRIMARY KEY,
  count int NOT NULL,
  resets_at timestamptz NOT NULL
) WITH (fillfactor = 80);
CREATE INDEX attempts_ended ON users.attempts (resets_at);
