-- An invitee's reservation of the consultant's time, and the state of its calendar event.
CREATE TABLE public.bookings (
  id                  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id             uuid NOT NULL REFERENCES calsync.consultants ON DELETE CASCADE,
  meeting_type_id     uuid REFERENCES public.meeting_types ON DELETE SET NULL,
  start_time          timestamptz NOT NULL,
  end_time            timestamptz NOT NULL,
  buffer_before       integer NOT NULL DEFAULT 0 CHECK (buffer_before BETWEEN 0 AND 1440), -- minutes
  buffer_after        integer NOT NULL DEFAULT 0 CHECK (buffer_after BETWEEN 0 AND 1440),
  status              text NOT NULL DEFAULT 'confirmed'
                      CHECK (status IN ('pending', 'confirmed', 'cancelled')),
  hold_expires_at     timestamptz, -- a pending booking with an expiry is a hold; without one it
                                   -- waits for the consultant's approval
  hold_token_hash     text,        -- of the key that its holder has
  holder_hash         text,        -- whose hold it is: nobody may have many
  title               text NOT NULL DEFAULT '',
  location            text NOT NULL DEFAULT '',
  invitee_name        text NOT NULL DEFAULT '',
  invitee_email       text NOT NULL DEFAULT '',
  invitee_time_zone   text NOT NULL DEFAULT 'UTC',
  invitee_notes       text NOT NULL DEFAULT '',
  answers             jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(answers) = 'object'),
  idempotency_key     text,
  request_fingerprint text NOT NULL DEFAULT '', -- what the key was first used for
  manage_token_hash   text,
  cancelled_at        timestamptz,
  cancellation_reason text NOT NULL DEFAULT '',
  reschedule_count    integer NOT NULL DEFAULT 0 CHECK (reschedule_count >= 0),
  moved_from          timestamptz, -- the start before the last move
  changed_by          text NOT NULL DEFAULT '' -- who decided, moved or cancelled last
                      CHECK (changed_by IN ('', 'invitee', 'consultant', 'calendar', 'system')),
  has_conference      boolean NOT NULL DEFAULT false,
  conference_url      text NOT NULL DEFAULT '',
  created_at          timestamptz NOT NULL DEFAULT now(),
  updated_at          timestamptz NOT NULL DEFAULT now(),

  -- The calendar event: what is to be done about it is read from this row, never remembered elsewhere.
  -- The sweeper hands a due row out at event_due_at. No worker starts before event_not_before: one is
  -- at it already, or the provider is to be left alone until then.
  event_connection_id uuid REFERENCES public.calendar_connections ON DELETE SET NULL,
  provider_event_id   text NOT NULL DEFAULT '',
  ical_uid            text NOT NULL DEFAULT '',
  sequence            integer NOT NULL DEFAULT 0 CHECK (sequence >= 0),
  event_state         text NOT NULL DEFAULT 'due'
                      CHECK (event_state IN ('due', 'written', 'removed', 'failed', 'none')),
  event_due_at        timestamptz DEFAULT now(),
  event_due_since     timestamptz NOT NULL DEFAULT now(), -- when it last had to be written anew
  event_not_before    timestamptz,
  event_attempts      integer NOT NULL DEFAULT 0 CHECK (event_attempts >= 0),
  event_error         text NOT NULL DEFAULT '',

  -- Neither without end nor in years that a program cannot read: one such row would stop them all.
  CONSTRAINT bookings_in_known_years CHECK (
    least(start_time, end_time, hold_expires_at, cancelled_at, moved_from, created_at, updated_at,
          event_due_at, event_due_since, event_not_before) >= '1900-01-01 00:00+00'
    AND greatest(start_time, end_time, hold_expires_at, cancelled_at, moved_from, created_at,
          updated_at, event_due_at, event_due_since, event_not_before) < '9000-01-01 00:00+00'),
  CONSTRAINT bookings_length CHECK (
    end_time >= start_time + interval '1 minute' AND end_time <= start_time + interval '24 hours'),
  -- Whoever inserts: two bookings that hold time keep the larger of the earlier one's buffer_after
  -- and the later one's buffer_before between them. (Minutes are added in UTC, where it is immutable.)
  CONSTRAINT bookings_keep_buffer_after EXCLUDE USING gist (
    user_id WITH =,
    tstzrange(start_time, (end_time AT TIME ZONE 'UTC' + make_interval(mins => buffer_after)) AT TIME ZONE 'UTC') WITH &&
  ) WHERE (status IN ('pending', 'confirmed')),
  CONSTRAINT bookings_keep_buffer_before EXCLUDE USING gist (
    user_id WITH =,
    tstzrange((start_time AT TIME ZONE 'UTC' - make_interval(mins => buffer_before)) AT TIME ZONE 'UTC', end_time) WITH &&
  ) WHERE (status IN ('pending', 'confirmed')),
  CONSTRAINT bookings_one_per_key UNIQUE (user_id, idempotency_key),
  CONSTRAINT bookings_manage_token UNIQUE (manage_token_hash),
  CONSTRAINT bookings_hold_token UNIQUE (hold_token_hash)
);
CREATE INDEX idx_bookings_user_time ON public.bookings (user_id, start_time, end_time)
  WHERE status IN ('pending', 'confirmed');
CREATE INDEX idx_bookings_pending ON public.bookings (user_id, hold_expires_at) WHERE status = 'pending';
CREATE INDEX idx_bookings_without_token ON public.bookings (created_at)
  WHERE manage_token_hash IS NULL AND hold_token_hash IS NULL;
CREATE INDEX idx_bookings_event_unwritten ON public.bookings (event_state, event_due_at)
  WHERE event_state IN ('due', 'failed', 'none');
CREATE INDEX idx_bookings_event_written ON public.bookings (start_time)
  WHERE event_state = 'written' AND status = 'confirmed';

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.bookings
  FOR EACH ROW EXECUTE FUNCTION calsync.touch_updated_at();

ALTER TABLE public.bookings ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON public.bookings FROM PUBLIC, anon, authenticated;
GRANT ALL ON public.bookings TO service_role;
-- Everything but what stands for a key.
GRANT SELECT (id, user_id, meeting_type_id, start_time, end_time, buffer_before, buffer_after, status,
  hold_expires_at, title, location, invitee_name, invitee_email, invitee_time_zone, invitee_notes,
  answers, cancelled_at, cancellation_reason, reschedule_count, moved_from, changed_by,
  has_conference, conference_url, created_at, updated_at,
  event_connection_id, ical_uid, sequence, event_state, event_due_at, event_due_since,
  event_attempts, event_error)
  ON public.bookings TO authenticated;
CREATE POLICY own_rows ON public.bookings FOR SELECT TO authenticated
  USING (user_id = (SELECT (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub')::uuid));
