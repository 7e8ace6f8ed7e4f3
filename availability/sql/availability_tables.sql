-- When a consultant can be booked. All durations are minutes; dates and wall times are in the
-- consultant's zone (booking_settings.time_zone).

-- One row per consultant: the time zone and the defaults that a meeting type may override.
CREATE TABLE public.booking_settings (
  id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id        uuid NOT NULL UNIQUE REFERENCES calsync.consultants ON DELETE CASCADE,
  time_zone      text NOT NULL DEFAULT 'UTC',
  duration       integer NOT NULL DEFAULT 30 CHECK (duration BETWEEN 5 AND 1440),
  buffer_before  integer NOT NULL DEFAULT 0 CHECK (buffer_before BETWEEN 0 AND 1440),
  buffer_after   integer NOT NULL DEFAULT 0 CHECK (buffer_after BETWEEN 0 AND 1440),
  minimum_notice integer NOT NULL DEFAULT 120 CHECK (minimum_notice BETWEEN 0 AND 525600),
  booking_window integer NOT NULL DEFAULT 60 CHECK (booking_window BETWEEN 0 AND 730), -- days
  slot_interval  integer CHECK (slot_interval BETWEEN 5 AND 1440), -- null: the duration
  daily_limit    integer CHECK (daily_limit > 0),
  weekly_limit   integer CHECK (weekly_limit > 0),
  -- What happens to slots when a blocking calendar's data is older than max_data_age.
  stale_policy   text NOT NULL DEFAULT 'keep' CHECK (stale_policy IN ('keep', 'close')),
  max_data_age   integer CHECK (max_data_age > 0), -- minutes; null: MAX_DATA_AGE_MINUTES
  -- How long before the start an invitee may still cancel or move a booking.
  change_notice  integer NOT NULL DEFAULT 0 CHECK (change_notice BETWEEN 0 AND 525600),
  -- Minutes before the start at which an invitee is reminded: a few, up to four weeks ahead.
  reminders      integer[] NOT NULL DEFAULT '{1440}' CHECK (
    cardinality(reminders) <= 5 AND 5 <= ALL (reminders) AND 40320 >= ALL (reminders)),
  invitee_limit  integer DEFAULT 120 CHECK (invitee_limit > 0), -- open bookings of one e-mail address
  created_at     timestamptz NOT NULL DEFAULT now(),
  updated_at     timestamptz NOT NULL DEFAULT now()
);

-- With the owner's rights, so that every role that may write settings passes the same check.
CREATE FUNCTION calsync.refuse_unknown_zone() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  PERFORM calsync.require_time_zone(NEW.time_zone);
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION calsync.refuse_unknown_zone() FROM PUBLIC;
CREATE TRIGGER refuse_unknown_zone BEFORE INSERT OR UPDATE OF time_zone ON public.booking_settings
  FOR EACH ROW EXECUTE FUNCTION calsync.refuse_unknown_zone();

-- Weekly hours. 00:00 as an end means midnight at the day's end.
CREATE TABLE public.availability (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id     uuid NOT NULL REFERENCES calsync.consultants ON DELETE CASCADE,
  day_of_week smallint NOT NULL CHECK (day_of_week BETWEEN 0 AND 6), -- 0 = Monday
  start_time  time NOT NULL,
  end_time    time NOT NULL,
  valid_from  date,
  valid_until date, -- inclusive
  created_at  timestamptz NOT NULL DEFAULT now(),
  updated_at  timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT availability_not_inverted CHECK (end_time > start_time OR end_time = '00:00'),
  CONSTRAINT availability_clock CHECK (greatest(start_time, end_time) < '24:00'), -- Python has no 24:00
  CONSTRAINT availability_validity CHECK (valid_until >= valid_from),
  CONSTRAINT availability_finite CHECK (isfinite(valid_from) AND isfinite(valid_until))
);
CREATE INDEX idx_availability_user ON public.availability (user_id, day_of_week);

-- Changes to the weekly hours on some dates: closed, or open at other hours. A date that has any
-- exception ignores its weekly hours. An rrule (RFC 5545, by whole days) repeats the span.
CREATE TABLE public.availability_exceptions (
  id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id        uuid NOT NULL REFERENCES calsync.consultants ON DELETE CASCADE,
  is_closed      boolean NOT NULL DEFAULT true,
  start_date     date NOT NULL,
  end_date       date, -- inclusive; null: the start date alone
  start_time     time, -- null when closed
  end_time       time,
  rrule          text NOT NULL DEFAULT '',
  reason         text NOT NULL DEFAULT '',
  -- The dates that this row speaks for, and those of them on which it is closed. A recurring row is
  -- expanded by the worker (availability/recurring.py); dates that it has not come to are closed.
  covered        datemultirange NOT NULL DEFAULT '{}',
  closed         datemultirange NOT NULL DEFAULT '{}',
  expanded_until date,
  created_at     timestamptz NOT NULL DEFAULT now(),
  updated_at     timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT exceptions_span CHECK (end_date >= start_date),
  CONSTRAINT exceptions_finite CHECK (isfinite(start_date) AND isfinite(end_date)),
  CONSTRAINT exceptions_clock CHECK (greatest(start_time, end_time) < '24:00'), -- Python has no 24:00
  CONSTRAINT exceptions_hours CHECK (
    CASE WHEN is_closed THEN start_time IS NULL AND end_time IS NULL
         ELSE start_time IS NOT NULL AND end_time IS NOT NULL
              AND (end_time > start_time OR end_time = '00:00') END)
);
CREATE INDEX idx_exceptions_user ON public.availability_exceptions (user_id, upper(covered));

-- Whoever writes: a span is covered as it stands; a recurring one is closed until it is expanded.
CREATE FUNCTION calsync.cover_exception_dates() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  NEW.expanded_until := NULL;
  NEW.covered := datemultirange(daterange(
    NEW.start_date,
    CASE WHEN NEW.rrule = '' THEN coalesce(NEW.end_date, NEW.start_date) + 1 ELSE 'infinity' END));
  NEW.closed := CASE WHEN NEW.is_closed OR NEW.rrule <> '' THEN NEW.covered ELSE '{}' END;
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION calsync.cover_exception_dates() FROM PUBLIC;
CREATE TRIGGER cover_dates BEFORE INSERT ON public.availability_exceptions
  FOR EACH ROW EXECUTE FUNCTION calsync.cover_exception_dates();
CREATE TRIGGER cover_changed_dates BEFORE UPDATE ON public.availability_exceptions
  FOR EACH ROW
  WHEN ((OLD.is_closed, OLD.start_date, OLD.end_date, OLD.rrule)
        IS DISTINCT FROM (NEW.is_closed, NEW.start_date, NEW.end_date, NEW.rrule))
  EXECUTE FUNCTION calsync.cover_exception_dates();

-- Time taken out by hand: a span of instants, or whole days (the last one inclusive).
CREATE TABLE public.blocked_dates (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id    uuid NOT NULL REFERENCES calsync.consultants ON DELETE CASCADE,
  start_time timestamptz,
  end_time   timestamptz,
  start_date date,
  end_date   date,
  reason     text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT blocked_dates_one_span CHECK (
    (start_time IS NULL) = (end_time IS NULL) AND (start_date IS NULL) = (end_date IS NULL)
    AND num_nonnulls(start_time, start_date) = 1),
  CONSTRAINT blocked_dates_not_inverted CHECK (end_time > start_time AND end_date >= start_date),
  CONSTRAINT blocked_dates_finite CHECK (
    isfinite(start_time) AND isfinite(end_time) AND isfinite(start_date) AND isfinite(end_date))
);
-- A whole day ends everywhere on Earth before the second midnight UTC after it.
CREATE INDEX idx_blocked_dates_user ON public.blocked_dates
  (user_id, coalesce(end_time, (end_date + 2)::timestamp AT TIME ZONE 'UTC'));

-- What can be booked. Null means the consultant's default.
CREATE TABLE public.meeting_types (
  id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id        uuid NOT NULL REFERENCES calsync.consultants ON DELETE CASCADE,
  slug           text NOT NULL CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
  title          text NOT NULL,
  description    text NOT NULL DEFAULT '',
  location       text NOT NULL DEFAULT '',
  duration       integer CHECK (duration BETWEEN 5 AND 1440),
  buffer_before  integer CHECK (buffer_before BETWEEN 0 AND 1440),
  buffer_after   integer CHECK (buffer_after BETWEEN 0 AND 1440),
  minimum_notice integer CHECK (minimum_notice BETWEEN 0 AND 525600),
  booking_window integer CHECK (booking_window BETWEEN 0 AND 730),
  slot_interval  integer CHECK (slot_interval BETWEEN 5 AND 1440),
  daily_limit    integer CHECK (daily_limit > 0),
  weekly_limit   integer CHECK (weekly_limit > 0),
  change_notice  integer CHECK (change_notice BETWEEN 0 AND 525600),
  reminders      integer[] CHECK (
    cardinality(reminders) <= 5 AND 5 <= ALL (reminders) AND 40320 >= ALL (reminders)),
  requires_approval boolean NOT NULL DEFAULT false, -- the consultant confirms each booking
  has_conference boolean NOT NULL DEFAULT false,    -- a video call of the calendar's provider
  questions      jsonb NOT NULL DEFAULT '[]',
  is_active      boolean NOT NULL DEFAULT true,
  created_at     timestamptz NOT NULL DEFAULT now(),
  updated_at     timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT meeting_types_slug_unique UNIQUE (user_id, slug)
);

-- What the installation's settings say to the SQL; written from the environment at each deploy.
CREATE TABLE calsync.installation (
  is_only              boolean PRIMARY KEY DEFAULT true CHECK (is_only),
  max_data_age_minutes integer NOT NULL DEFAULT 60 CHECK (max_data_age_minutes > 0)
);
INSERT INTO calsync.installation DEFAULT VALUES;

-- A consultant always has settings, whoever creates the consultant.
CREATE FUNCTION calsync.give_booking_settings() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  INSERT INTO public.booking_settings (user_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION calsync.give_booking_settings() FROM PUBLIC;
CREATE TRIGGER give_booking_settings AFTER INSERT ON calsync.consultants
  FOR EACH ROW EXECUTE FUNCTION calsync.give_booking_settings();
INSERT INTO public.booking_settings (user_id) SELECT id FROM calsync.consultants ON CONFLICT DO NOTHING;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['booking_settings', 'availability', 'availability_exceptions',
                              'blocked_dates', 'meeting_types'] LOOP
    EXECUTE format('CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.%I
      FOR EACH ROW EXECUTE FUNCTION calsync.touch_updated_at()', name);
    EXECUTE format('ALTER TABLE public.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('REVOKE ALL ON public.%I FROM PUBLIC, anon, authenticated', name);
    EXECUTE format('GRANT ALL ON public.%I TO service_role', name);
    EXECUTE format('GRANT SELECT ON public.%I TO authenticated', name);
    EXECUTE format($policy$CREATE POLICY own_rows ON public.%I FOR SELECT TO authenticated
      USING (user_id = (SELECT (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub')::uuid))
      $policy$, name);
  END LOOP;
END
$$;
