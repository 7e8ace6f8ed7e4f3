-- Accounts that were disconnected, as far as their providers have to be told. Gone once they are.
CREATE TABLE calsync.departures (
  id                      uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  provider                text NOT NULL,
  provider_email          text NOT NULL,
  refresh_token_encrypted text NOT NULL,
  watches                 jsonb NOT NULL DEFAULT '[]', -- those to be stopped: watch_id, resource_id
  due_at                  timestamptz NOT NULL,
  failure_count           integer NOT NULL DEFAULT 0,
  created_at              timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX idx_departures_due ON calsync.departures (due_at);
REVOKE ALL ON calsync.departures FROM PUBLIC, anon, authenticated;
