-- When the consultant works: the weekly hours, or what an exception puts in their place.

-- The instants between two wall clock times of a day, as far as they are of that day.
CREATE FUNCTION calsync.cut_to_day(day date, opens timestamp, closes timestamp, zone text)
RETURNS tstzrange LANGUAGE plpgsql STABLE AS $$
DECLARE
  start_time timestamptz := calsync.wall_clock_to_instant(opens, zone);
  end_time   timestamptz := least(calsync.wall_clock_to_instant(closes, zone),
                                  calsync.wall_clock_to_instant((day + 1)::timestamp, zone));
BEGIN
  RETURN tstzrange(start_time, greatest(start_time, end_time));
END
$$;
REVOKE ALL ON FUNCTION calsync.cut_to_day(date, timestamp, timestamp, text) FROM PUBLIC;

-- The same for hours of which 00:00 as an end means midnight at the day's end. Unless the clocks change
-- between the midnight before and the one after the day, AT TIME ZONE is right, and faster.
CREATE FUNCTION calsync.working_time(day date, start_time time, end_time time, zone text)
RETURNS tstzrange LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN (day + 1)::timestamp AT TIME ZONE zone - (day - 1)::timestamp AT TIME ZONE zone = interval '48 hours'
    THEN tstzrange(
      (day + start_time) AT TIME ZONE zone,
      (CASE WHEN end_time > start_time THEN day + end_time ELSE (day + 1)::timestamp END) AT TIME ZONE zone)
    ELSE calsync.cut_to_day(
      day, day + start_time,
      CASE WHEN end_time > start_time THEN day + end_time ELSE (day + 1)::timestamp END, zone) END
$$;
REVOKE ALL ON FUNCTION calsync.working_time(date, time, time, text) FROM PUBLIC;

-- Intervals of one date that overlap or touch, in real time, are one; nothing is joined across midnight.
CREATE FUNCTION calsync.working_intervals(
  rules calsync.effective_rules, first_date date, last_date date)
RETURNS SETOF tstzrange LANGUAGE plpgsql STABLE AS $$
DECLARE
  changed_dates datemultirange; -- those that do not follow the weekly hours
  closed_dates  datemultirange;
BEGIN
  SELECT coalesce(range_agg(x.covered), '{}'), coalesce(range_agg(x.closed), '{}')
    INTO changed_dates, closed_dates
    FROM public.availability_exceptions x
    WHERE x.user_id = rules.consultant AND upper(x.covered) > first_date;
  RETURN QUERY
    SELECT unnest(range_agg(calsync.working_time(w.day, w.start_time, w.end_time, rules.time_zone)))
    FROM (
      SELECT a.start_time, a.end_time, a.valid_from, a.valid_until, first_date + generate_series(
        -- from the first such weekday on; 2001-01-01 was a Monday
        ((a.day_of_week - (first_date - date '2001-01-01')) % 7 + 7) % 7, last_date - first_date, 7) AS day
      FROM public.availability a WHERE a.user_id = rules.consultant
    ) w
    WHERE (w.valid_from IS NULL OR w.day >= w.valid_from)
      AND (w.valid_until IS NULL OR w.day <= w.valid_until) AND NOT w.day <@ changed_dates
    GROUP BY w.day;
  IF closed_dates <> changed_dates THEN
    RETURN QUERY
      SELECT unnest(range_agg(calsync.working_time(d.day, x.start_time, x.end_time, rules.time_zone)))
      FROM public.availability_exceptions x
      JOIN (SELECT first_date + generate_series(0, last_date - first_date) AS day) d
        ON d.day <@ x.covered AND NOT d.day <@ closed_dates
      WHERE x.user_id = rules.consultant AND upper(x.covered) > first_date
      GROUP BY d.day;
  END IF;
END
$$;
REVOKE ALL ON FUNCTION calsync.working_intervals(calsync.effective_rules, date, date) FROM PUBLIC;
