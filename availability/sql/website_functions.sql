-- What the website calls, by Supabase RPC and with the anonymous key.

-- The consultant that the website means: the one it names, else the primary one, else the only one.
CREATE FUNCTION calsync.consultant_meant(consultant uuid) RETURNS uuid
LANGUAGE plpgsql STABLE AS $$
DECLARE
  candidates uuid[];
BEGIN
  IF consultant IS NOT NULL THEN
    SELECT ARRAY[c.id] INTO candidates
      FROM calsync.consultants c WHERE c.id = consultant AND c.is_active;
  ELSE
    SELECT array_agg(c.id) INTO candidates
      FROM calsync.consultants c WHERE c.is_primary AND c.is_active;
    IF candidates IS NULL THEN
      SELECT array_agg(c.id) INTO candidates FROM calsync.consultants c WHERE c.is_active;
    END IF;
  END IF;
  IF candidates IS NULL THEN
    RAISE invalid_parameter_value USING MESSAGE = 'there is no such consultant';
  ELSIF cardinality(candidates) > 1 THEN
    RAISE invalid_parameter_value USING MESSAGE =
      'there are several consultants and none is primary: name one in "consultant"';
  END IF;
  RETURN candidates[1];
END
$$;
REVOKE ALL ON FUNCTION calsync.consultant_meant(uuid) FROM PUBLIC;

-- The effective rules, for arguments as the website gives them. A meeting type that is no longer
-- active serves only a booking that exists already.
CREATE FUNCTION calsync.rules_meant(
  consultant uuid, meeting_type text, slot_duration integer, buffer integer,
  ignored_booking uuid DEFAULT NULL)
RETURNS calsync.effective_rules LANGUAGE plpgsql STABLE AS $$
DECLARE
  consultant_id uuid := calsync.consultant_meant(consultant);
  meeting_id    uuid;
BEGIN
  IF meeting_type IS NOT NULL THEN
    SELECT m.id INTO meeting_id FROM public.meeting_types m
      WHERE m.user_id = consultant_id AND m.slug = meeting_type
        AND (m.is_active OR ignored_booking IS NOT NULL);
    IF NOT FOUND THEN
      RAISE invalid_parameter_value USING MESSAGE = 'the consultant has no such meeting type';
    END IF;
  END IF;
  RETURN calsync.effective_rules(consultant_id, meeting_id, slot_duration, buffer, now());
END
$$;
REVOKE ALL ON FUNCTION calsync.rules_meant(uuid, text, integer, integer, uuid) FROM PUBLIC;

-- The offered starts of some dates in a zone, for the functions below.
CREATE FUNCTION calsync.starts_of_dates(
  rules calsync.effective_rules, first_date date, days integer, zone text,
  ignored_booking uuid DEFAULT NULL)
RETURNS timestamptz[] LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF first_date IS NULL OR first_date NOT BETWEEN '1970-01-01' AND '9000-01-01' THEN
    RAISE invalid_parameter_value USING MESSAGE = 'date must be from 1970-01-01 to 9000-01-01';
  ELSIF days IS NULL OR days NOT BETWEEN 1 AND 92 THEN
    RAISE invalid_parameter_value USING MESSAGE = 'days must be from 1 to 92';
  END IF;
  RETURN calsync.offered_starts(
    rules, calsync.wall_clock_to_instant(first_date::timestamp, zone),
    calsync.wall_clock_to_instant((first_date + days)::timestamp, zone), ignored_booking,
    now());
END
$$;
REVOKE ALL ON FUNCTION
  calsync.starts_of_dates(calsync.effective_rules, date, integer, text, uuid) FROM PUBLIC;

-- The free starts of each date, and how long their slots are. ``ignored_booking`` does not stand in
-- its own way; it is for calsync alone, since whoever may leave a booking out learns when it is.
CREATE FUNCTION calsync.offered_days(
  date date, days integer, slot_duration integer, buffer integer, consultant uuid,
  meeting_type text, timezone text, ignored_booking uuid)
RETURNS TABLE (day date, slots timestamptz[], duration interval)
LANGUAGE plpgsql STABLE
SET search_path = '' SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  rules  calsync.effective_rules := calsync.rules_meant(
    consultant, meeting_type, slot_duration, buffer, ignored_booking);
  zone   text := coalesce(calsync.require_time_zone(timezone), rules.time_zone);
  starts timestamptz[] := calsync.starts_of_dates(rules, date, days, zone, ignored_booking);
BEGIN
  RETURN QUERY
    SELECT d.day, coalesce(s.starts, '{}'), rules.duration
    FROM (SELECT date + generate_series(0, days - 1) AS day) d
    LEFT JOIN (
      SELECT (u.start AT TIME ZONE zone)::date AS day, array_agg(u.start ORDER BY u.start) AS starts
      FROM unnest(starts) AS u (start) GROUP BY 1
    ) s ON s.day = d.day
    ORDER BY d.day;
END
$$;
REVOKE ALL ON FUNCTION calsync.offered_days(
  date, integer, integer, integer, uuid, text, text, uuid) FROM PUBLIC;

CREATE FUNCTION public.get_available_slots(
  date date, slot_duration integer DEFAULT NULL, buffer integer DEFAULT NULL,
  days integer DEFAULT 1, consultant uuid DEFAULT NULL, meeting_type text DEFAULT NULL,
  timezone text DEFAULT NULL)
RETURNS TABLE (slot_start timestamptz, slot_end timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = '' SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  rules  calsync.effective_rules := calsync.rules_meant(
    consultant, meeting_type, slot_duration, buffer);
  starts timestamptz[] := calsync.starts_of_dates(
    rules, date, days, coalesce(calsync.require_time_zone(timezone), rules.time_zone));
BEGIN
  IF cardinality(starts) > 1000 THEN -- the Data API cuts answers there, and does not say so
    RAISE invalid_parameter_value USING MESSAGE =
      'more than 1,000 slots: ask for fewer days, or ask get_available_days';
  END IF;
  RETURN QUERY SELECT s, s + rules.duration FROM (SELECT unnest(starts)) AS u (s);
END
$$;

CREATE FUNCTION public.get_available_days(
  date date, days integer DEFAULT 31, slot_duration integer DEFAULT NULL,
  buffer integer DEFAULT NULL, consultant uuid DEFAULT NULL, meeting_type text DEFAULT NULL,
  timezone text DEFAULT NULL)
RETURNS TABLE (day date, slots timestamptz[])
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  RETURN QUERY SELECT d.day, d.slots FROM calsync.offered_days(
    date, days, slot_duration, buffer, consultant, meeting_type, timezone, NULL) d;
END
$$;

-- How old the calendars' data are and how far they reach; null without a calendar that blocks time.
CREATE FUNCTION public.get_calendar_freshness(consultant uuid DEFAULT NULL)
RETURNS TABLE (data_as_of timestamptz, covered_until timestamptz, state text)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = '' SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_bitmapscan = off AS $$
DECLARE
  rules calsync.effective_rules := calsync.rules_meant(consultant, NULL, NULL, NULL);
BEGIN
  RETURN QUERY SELECT
    CASE WHEN isfinite(rules.data_as_of) THEN rules.data_as_of END,
    CASE WHEN isfinite(rules.covered_until) THEN rules.covered_until END,
    rules.data_state;
END
$$;

REVOKE ALL ON FUNCTION
  public.get_available_slots(date, integer, integer, integer, uuid, text, text),
  public.get_available_days(date, integer, integer, integer, uuid, text, text),
  public.get_calendar_freshness(uuid)
  FROM PUBLIC, anon, authenticated;
GRANT EXECUTE ON FUNCTION
  public.get_available_slots(date, integer, integer, integer, uuid, text, text),
  public.get_available_days(date, integer, integer, integer, uuid, text, text),
  public.get_calendar_freshness(uuid)
  TO anon, authenticated, service_role;
