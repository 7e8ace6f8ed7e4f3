-- What the schema promises to those who use it without Django: columns, types, defaults, checks,
-- delete rules, index names. The real tables may have more, never less. Read by tests/test_schema.py
-- into a schema of its own, so that PostgreSQL itself compares the two.

CREATE TABLE calendar_connections (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  provider text CHECK (provider IN ('google', 'microsoft', 'apple')),
  provider_email text,
  calendar_id text NOT NULL,
  calendar_name text,
  access_token_encrypted text,
  refresh_token_encrypted text,
  token_expires_at timestamptz,
  app_specific_password_encrypted text,
  caldav_url text,
  sync_token text,
  last_synced_at timestamptz,
  sync_status text DEFAULT 'pending' CHECK (sync_status IN ('pending', 'syncing', 'synced', 'error')),
  sync_error text,
  webhook_channel_id text,
  webhook_subscription_id text,
  webhook_expiration timestamptz,
  is_active boolean DEFAULT true,
  is_primary boolean DEFAULT false,
  created_at timestamptz DEFAULT now(),
  updated_at timestamptz DEFAULT now()
);
CREATE UNIQUE INDEX idx_cal_conn_unique ON calendar_connections (user_id, provider, calendar_id);

CREATE TABLE synced_events (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  connection_id uuid NOT NULL REFERENCES calendar_connections ON DELETE CASCADE,
  provider_event_id text NOT NULL,
  title text,
  start_time timestamptz NOT NULL,
  end_time timestamptz NOT NULL,
  is_all_day boolean DEFAULT false,
  status text DEFAULT 'confirmed' CHECK (status IN ('confirmed', 'tentative', 'cancelled')),
  transparency text DEFAULT 'opaque' CHECK (transparency IN ('opaque', 'transparent')),
  is_ohboy_booking boolean DEFAULT false,
  booking_id uuid,
  provider_updated_at timestamptz,
  raw_data jsonb,
  created_at timestamptz DEFAULT now(),
  updated_at timestamptz DEFAULT now()
);
CREATE INDEX idx_synced_events_time ON synced_events (start_time, end_time)
  WHERE status != 'cancelled' AND transparency = 'opaque';
CREATE UNIQUE INDEX idx_synced_events_provider ON synced_events (connection_id, provider_event_id);

CREATE TABLE sync_logs (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  connection_id uuid REFERENCES calendar_connections ON DELETE SET NULL,
  operation text NOT NULL,
  status text CHECK (status IN ('started', 'completed', 'failed')),
  events_processed integer DEFAULT 0,
  events_created integer DEFAULT 0,
  events_updated integer DEFAULT 0,
  events_deleted integer DEFAULT 0,
  error_message text,
  duration_ms integer,
  metadata jsonb,
  created_at timestamptz DEFAULT now()
);

CREATE TABLE availability (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  day_of_week smallint NOT NULL,
  start_time time NOT NULL,
  end_time time NOT NULL,
  valid_from date,
  valid_until date
);

CREATE TABLE availability_exceptions (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  is_closed boolean,
  start_date date NOT NULL,
  end_date date,
  start_time time,
  end_time time,
  rrule text
);

CREATE TABLE blocked_dates (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  start_time timestamptz,
  end_time timestamptz,
  start_date date,
  end_date date,
  reason text
);

CREATE TABLE meeting_types (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  slug text NOT NULL,
  title text NOT NULL,
  duration integer,
  buffer_before integer,
  buffer_after integer,
  minimum_notice integer,
  booking_window integer,
  slot_interval integer,
  daily_limit integer,
  weekly_limit integer,
  questions jsonb,
  is_active boolean DEFAULT true
);

CREATE TABLE booking_settings (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  time_zone text,
  duration integer,
  buffer_before integer,
  buffer_after integer,
  minimum_notice integer,
  booking_window integer,
  slot_interval integer,
  daily_limit integer,
  weekly_limit integer,
  stale_policy text,
  max_data_age integer
);

CREATE TABLE bookings (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL,
  meeting_type_id uuid,
  start_time timestamptz NOT NULL,
  end_time timestamptz NOT NULL,
  status text CHECK (status IN ('pending', 'confirmed', 'cancelled')),
  hold_expires_at timestamptz,
  invitee_name text,
  invitee_email text,
  invitee_time_zone text,
  invitee_notes text,
  answers jsonb,
  idempotency_key text,
  manage_token_hash text,
  cancelled_at timestamptz,
  cancellation_reason text,
  reschedule_count integer,
  event_connection_id uuid,
  provider_event_id text,
  ical_uid text,
  sequence integer,
  event_state text
);
