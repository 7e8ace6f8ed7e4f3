-- The core: which starts are offered. Slots, days, the explanation and the booking all stand on it.

-- The starts in [from_time, to_time) that are offered, in order. Everything is reckoned in starts:
-- a working interval allows those from its own start to its end less the duration; something busy
-- refuses those whose slot would come too near.
CREATE FUNCTION calsync.offered_starts(
  rules calsync.effective_rules, from_time timestamptz, to_time timestamptz, ignored_booking uuid,
  asked_at timestamptz)
RETURNS timestamptz[] LANGUAGE plpgsql STABLE AS $$
DECLARE
  first_start   timestamptz := greatest(
    from_time, rules.earliest, rules.covered_from + rules.buffer_before);
  starts_before timestamptz := least(
    to_time, rules.window_end,
    rules.covered_until - (rules.duration + rules.buffer_after) + interval '1 microsecond');
  first_date    date;
  last_date     date;
  allowed       tstzmultirange;
  refused       tstzmultirange;
  grid_origins  timestamptz[];
BEGIN
  IF rules.data_state = 'closed' OR first_start >= starts_before THEN
    RETURN '{}';
  END IF;
  first_date := (first_start AT TIME ZONE rules.time_zone)::date;
  last_date := ((starts_before - interval '1 microsecond') AT TIME ZONE rules.time_zone)::date;
  SELECT range_agg(tstzrange(lower(w), upper(w) - rules.duration, '[]')),
         array_agg(lower(w) ORDER BY lower(w))
    INTO allowed, grid_origins
    FROM calsync.working_intervals(rules, first_date, last_date) w
    WHERE lower(w) + rules.duration <= upper(w);
  IF allowed IS NULL THEN
    RETURN '{}';
  END IF;
  SELECT range_agg(tstzrange(b.ends_before - rules.duration, b.starts_after, '()')) INTO refused
    FROM calsync.busy_periods(
      rules, first_start - rules.buffer_before,
      starts_before + (rules.duration + rules.buffer_after), ignored_booking, asked_at) b;
  allowed := allowed * tstzmultirange(tstzrange(first_start, starts_before))
    - coalesce(refused, '{}');
  IF rules.daily_limit IS NOT NULL OR rules.weekly_limit IS NOT NULL THEN
    SELECT allowed - coalesce(range_agg(tstzrange(p.start_time, p.end_time)), '{}') INTO allowed
      FROM calsync.full_periods(rules, first_date, last_date, ignored_booking, asked_at) p;
  END IF;
  RETURN ARRAY(
    SELECT generate_series(
      -- the first start of the interval's grid that is not before the free time
      date_bin(rules.slot_interval, lower(free) + (rules.slot_interval - interval '1 microsecond'),
               grid_origins[width_bucket(lower(free), grid_origins)]),
      CASE WHEN upper_inc(free) THEN upper(free) ELSE upper(free) - interval '1 microsecond' END,
      rules.slot_interval)
    FROM unnest(allowed) AS free);
END
$$;
REVOKE ALL ON FUNCTION calsync.offered_starts(
  calsync.effective_rules, timestamptz, timestamptz, uuid, timestamptz) FROM PUBLIC;

-- The slot that starts at starts_at, if it is offered: one row or none. For a booking, which has
-- its end and its buffers from here. A meeting type that is no longer active serves only a booking
-- that exists already.
CREATE FUNCTION calsync.offered_slot(
  consultant uuid, meeting_type uuid, starts_at timestamptz, slot_duration integer, buffer integer,
  ignored_booking uuid, asked_at timestamptz)
RETURNS TABLE (
  slot_start timestamptz, slot_end timestamptz, buffer_before integer, buffer_after integer)
LANGUAGE plpgsql STABLE
SET search_path = '' SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  rules calsync.effective_rules;
BEGIN
  -- Who comes too late has nearly always come for a time that lies within a booking: they are told
  -- so before anything is reckoned, at a tenth of the cost.
  IF EXISTS (
      SELECT FROM calsync.standing_bookings(
        consultant, starts_at - interval '24 hours', starts_at + interval '1 microsecond',
        ignored_booking, asked_at) b
      WHERE b.end_time > starts_at) THEN
    RETURN;
  END IF;
  IF starts_at IS NULL THEN
    RETURN;
  ELSIF meeting_type IS NOT NULL AND ignored_booking IS NULL THEN
    PERFORM FROM public.meeting_types m WHERE m.id = meeting_type AND NOT m.is_active;
    IF FOUND THEN
      RETURN;
    END IF;
  END IF;
  rules := calsync.effective_rules(consultant, meeting_type, slot_duration, buffer, asked_at);
  RETURN QUERY
    SELECT s, s + rules.duration, (extract(epoch FROM rules.buffer_before) / 60)::integer,
           (extract(epoch FROM rules.buffer_after) / 60)::integer
    FROM unnest(calsync.offered_starts(
      rules, starts_at, starts_at + interval '1 microsecond', ignored_booking, asked_at)) s;
END
$$;
REVOKE ALL ON FUNCTION calsync.offered_slot(
  uuid, uuid, timestamptz, integer, integer, uuid, timestamptz) FROM PUBLIC;

CREATE FUNCTION calsync.is_offered(
  consultant uuid, meeting_type uuid, starts_at timestamptz, slot_duration integer, buffer integer,
  ignored_booking uuid, asked_at timestamptz)
RETURNS boolean LANGUAGE plpgsql STABLE
SET search_path = '' SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
  RETURN EXISTS (SELECT FROM calsync.offered_slot(
    consultant, meeting_type, starts_at, slot_duration, buffer, ignored_booking, asked_at));
END
$$;
REVOKE ALL ON FUNCTION calsync.is_offered(
  uuid, uuid, timestamptz, integer, integer, uuid, timestamptz) FROM PUBLIC;
