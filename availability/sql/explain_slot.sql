-- Why a slot is not offered, told from the very pieces that the core decides on.

CREATE FUNCTION calsync.refusals(
  rules calsync.effective_rules, starts_at timestamptz, asked_at timestamptz)
RETURNS TABLE (reason text, detail text, from_time timestamptz, to_time timestamptz)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  ends_at     timestamptz := starts_at + rules.duration;
  needs_from  timestamptz := starts_at - rules.buffer_before;
  needs_until timestamptz := ends_at + rules.buffer_after;
  day         date := (starts_at AT TIME ZONE rules.time_zone)::date;
  interval_   tstzrange;
BEGIN
  IF rules.data_state = 'closed' AND rules.covered_until > asked_at THEN
    RETURN QUERY SELECT 'calendar_stale', 'A calendar has not been read for too long.',
      CASE WHEN isfinite(rules.data_as_of) THEN rules.data_as_of END, NULL::timestamptz;
  END IF;
  IF rules.covered_from = 'infinity' OR rules.covered_until = '-infinity' THEN
    RETURN QUERY SELECT 'not_synced', 'A calendar has not been read yet.',
      NULL::timestamptz, NULL::timestamptz;
  ELSE
    IF needs_from < rules.covered_from THEN
      RETURN QUERY SELECT 'not_synced', 'A calendar has not been read for this time.',
        NULL::timestamptz, rules.covered_from;
    END IF;
    IF needs_until > rules.covered_until THEN
      RETURN QUERY SELECT 'not_synced', 'A calendar has not been read for this time.',
        rules.covered_until, NULL::timestamptz;
    END IF;
  END IF;
  IF starts_at < rules.earliest THEN
    RETURN QUERY SELECT 'too_soon', 'The minimum notice is not kept.',
      NULL::timestamptz, rules.earliest;
  END IF;
  IF starts_at >= rules.window_end THEN
    RETURN QUERY SELECT 'too_far_ahead', 'The booking window ends before.',
      rules.window_end, NULL::timestamptz;
  END IF;
  SELECT w INTO interval_ FROM calsync.working_intervals(rules, day, day) w
    WHERE lower(w) <= starts_at AND upper(w) >= ends_at;
  IF NOT FOUND THEN
    RETURN QUERY SELECT 'outside_hours', calsync.hours_in_words(rules, day),
      calsync.wall_clock_to_instant(day::timestamp, rules.time_zone),
      calsync.wall_clock_to_instant((day + 1)::timestamp, rules.time_zone);
  ELSIF date_bin(rules.slot_interval, starts_at, lower(interval_)) <> starts_at THEN
    RETURN QUERY SELECT 'off_grid', format('Slots start every %s minutes from %s.',
        (extract(epoch FROM rules.slot_interval) / 60)::integer,
        to_char(lower(interval_) AT TIME ZONE rules.time_zone, 'HH24:MI')),
      lower(interval_), upper(interval_);
  END IF;
  RETURN QUERY
    SELECT CASE WHEN b.start_time < ends_at AND b.end_time > starts_at THEN b.kind
                ELSE 'buffer' END,
           coalesce(b.title, ''), b.start_time, b.end_time
    FROM calsync.busy_periods(rules, needs_from, needs_until, NULL, asked_at) b
    WHERE b.ends_before < ends_at AND b.starts_after > starts_at
    ORDER BY b.start_time, b.end_time;
  RETURN QUERY
    SELECT p.kind, format('%s of %s bookings.', p.bookings, p.most), p.start_time, p.end_time
    FROM calsync.full_periods(rules, day, day, NULL, asked_at) p
    WHERE starts_at >= p.start_time AND starts_at < p.end_time;
END
$$;
REVOKE ALL ON FUNCTION
  calsync.refusals(calsync.effective_rules, timestamptz, timestamptz) FROM PUBLIC;

-- "Working hours on 2027-03-01: 09:00–12:30, 13:30–17:30." and why they are such.
CREATE FUNCTION calsync.hours_in_words(rules calsync.effective_rules, day date) RETURNS text
LANGUAGE sql STABLE AS $$
  SELECT format('Working hours on %s: %s.', day, coalesce(string_agg(
           to_char(lower(w) AT TIME ZONE rules.time_zone, 'HH24:MI') || '–' ||
           to_char(upper(w) AT TIME ZONE rules.time_zone, 'HH24:MI'), ', ' ORDER BY w), 'none'))
    || coalesce((SELECT ' Exception: ' || string_agg(x.reason, ', ') || '.'
                 FROM public.availability_exceptions x
                 WHERE x.user_id = rules.consultant AND day <@ x.covered AND x.reason <> ''), '')
  FROM calsync.working_intervals(rules, day, day) w
$$;
REVOKE ALL ON FUNCTION calsync.hours_in_words(calsync.effective_rules, date) FROM PUBLIC;

-- No row: the slot is offered. The titles of events are for the consultant, the server
-- (service_role) and the owner of this function alone.
CREATE FUNCTION public.explain_slot(
  starts_at timestamptz, slot_duration integer DEFAULT NULL, consultant uuid DEFAULT NULL,
  meeting_type text DEFAULT NULL)
RETURNS TABLE (reason text, detail text, from_time timestamptz, to_time timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = '' SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  -- A role set for a request is still set inside a function that runs with its owner's rights.
  caller       text := coalesce(nullif(current_setting('role'), 'none'), session_user);
  signed_in_as text := nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub';
  rules        calsync.effective_rules;
BEGIN
  rules := calsync.rules_meant(consultant, meeting_type, slot_duration, NULL);
  IF NOT (caller = 'service_role' OR pg_has_role(caller, current_user, 'MEMBER')
          OR rules.consultant::text IS NOT DISTINCT FROM signed_in_as) THEN
    RAISE insufficient_privilege USING MESSAGE = 'only the consultant may ask why';
  ELSIF starts_at IS NULL OR NOT isfinite(starts_at) THEN
    RAISE invalid_parameter_value USING MESSAGE = 'starts_at must be a time';
  END IF;
  RETURN QUERY SELECT * FROM calsync.refusals(rules, starts_at, now());
END
$$;
REVOKE ALL ON FUNCTION public.explain_slot(timestamptz, integer, uuid, text)
  FROM PUBLIC, anon, authenticated;
GRANT EXECUTE ON FUNCTION public.explain_slot(timestamptz, integer, uuid, text)
  TO authenticated, service_role;
