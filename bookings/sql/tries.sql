-- How often somebody has tried to book, cancel or move, for as long as it is counted. The key is a
-- hash. One statement counts and reads, so that all processes together allow no try too many; what
-- a crash loses is of no value, and no try waits for the disk.
CREATE UNLOGGED TABLE calsync.tries (
  key     text PRIMARY KEY,
  count   integer NOT NULL,
  ends_at timestamptz NOT NULL -- when the count begins anew
);
CREATE INDEX idx_tries_end ON calsync.tries (ends_at);
