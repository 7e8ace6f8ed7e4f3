-- One row per calendar. Rows of one account (user_id, provider, provider_email, caldav_url) share
-- their credentials. Secrets are Fernet tokens; no role of the API but service_role can read them.
CREATE TABLE public.calendar_connections (
  id                              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id                         uuid NOT NULL REFERENCES calsync.consultants ON DELETE CASCADE,
  provider                        text NOT NULL CHECK (provider IN ('google', 'microsoft', 'apple')),
  provider_email                  text,
  calendar_id                     text NOT NULL,
  calendar_name                   text,
  access_token_encrypted          text,
  refresh_token_encrypted         text,
  token_expires_at                timestamptz,
  app_specific_password_encrypted text,
  caldav_url                      text,
  sync_token                      text,
  last_synced_at                  timestamptz,
  sync_status                     text NOT NULL DEFAULT 'pending'
                                  CHECK (sync_status IN ('pending', 'syncing', 'synced', 'error')),
  sync_error                      text,
  webhook_channel_id              text,
  webhook_subscription_id         text,
  webhook_expiration              timestamptz,
  is_active                       boolean NOT NULL DEFAULT true,
  is_primary                      boolean NOT NULL DEFAULT false,
  created_at                      timestamptz NOT NULL DEFAULT now(),
  updated_at                      timestamptz NOT NULL DEFAULT now(),

  -- What of this calendar counts.
  blocks_time                     boolean NOT NULL DEFAULT true,
  tentative_blocks                boolean NOT NULL DEFAULT true,
  stores_titles                   boolean NOT NULL DEFAULT true,
  is_writable                     boolean NOT NULL DEFAULT true,
  time_zone                       text NOT NULL DEFAULT '', -- the calendar's own; '' = the consultant's

  -- Sync: what is covered, what the token belongs to, when to look next, who is at it.
  sync_scope                      text NOT NULL DEFAULT '',
  synced_from                     timestamptz,
  synced_until                    timestamptz,
  last_full_sync_at               timestamptz,
  next_sync_at                    timestamptz DEFAULT now(), -- null: not before the consultant acts
  sync_requested_at               timestamptz,
  full_sync_requested             boolean NOT NULL DEFAULT false,
  emptied_at                      timestamptz, -- a full sync found the calendar emptied; not yet believed
  failure_count                   integer NOT NULL DEFAULT 0 CHECK (failure_count >= 0),
  access_refused_at               timestamptz, -- a refusal not yet confirmed by a second one
  reconnect_needed_at             timestamptz,
  lease_id                        uuid,
  lease_expires_at                timestamptz,
  handed_out_at                   timestamptz -- to a worker, which has not come back yet
);

CREATE UNIQUE INDEX idx_cal_conn_unique
  ON public.calendar_connections (user_id, provider, calendar_id);
CREATE UNIQUE INDEX idx_cal_conn_one_primary
  ON public.calendar_connections (user_id) WHERE is_primary;
CREATE INDEX idx_cal_conn_due
  ON public.calendar_connections (next_sync_at) WHERE is_active;

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.calendar_connections
  FOR EACH ROW EXECUTE FUNCTION calsync.touch_updated_at();

ALTER TABLE public.calendar_connections ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON public.calendar_connections FROM PUBLIC, anon, authenticated;
GRANT ALL ON public.calendar_connections TO service_role;
-- Everything but the secrets; a sync token may be an address that opens the calendar.
GRANT SELECT (id, user_id, provider, provider_email, calendar_id, calendar_name, token_expires_at,
  last_synced_at, sync_status, sync_error, webhook_expiration, is_active, is_primary, created_at,
  updated_at, blocks_time, tentative_blocks, stores_titles, is_writable, time_zone, synced_from,
  synced_until, last_full_sync_at, next_sync_at, reconnect_needed_at)
  ON public.calendar_connections TO authenticated;

CREATE POLICY own_rows ON public.calendar_connections FOR SELECT TO authenticated
  USING (user_id = (SELECT (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub')::uuid));
