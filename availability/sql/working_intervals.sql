-- When the consultant works: the weekly hours, or what an exception puts in their place.

-- The instants of some hours of a day, cut to that day; 00:00 as an end is midnight at its end.
CREATE FUNCTION calsync.cut_to_day(day date, start_time time, end_time time, zone text)
RETURNS tstzrange LANGUAGE plpgsql STABLE AS $$
DECLARE
  end_of_day timestamptz := calsync.wall_clock_to_instant((day + 1)::timestamp, zone);
  opens      timestamptz := calsync.wall_clock_to_instant(day + start_time, zone);
  closes     timestamptz := end_of_day;
BEGIN
  IF end_time > start_time THEN
    closes := least(calsync.wall_clock_to_instant(day + end_time, zone), end_of_day);
  END IF;
  RETURN tstzrange(opens, greatest(opens, closes));
END
$$;
REVOKE ALL ON FUNCTION calsync.cut_to_day(date, time, time, text) FROM PUBLIC;

-- The same, faster: where the clocks do not change from the midnight before the day to the one after
-- it, a time of day is a distance from midnight, and nothing is to be cut.
CREATE FUNCTION calsync.working_time(
  day date, start_time time, end_time time, zone text, day_before timestamptz, day_after timestamptz)
RETURNS tstzrange LANGUAGE sql STABLE AS $$
  SELECT CASE
    WHEN day_after - day_before = interval '48 hours'
    THEN tstzrange(
      day_before + (interval '24 hours' + start_time::interval),
      CASE WHEN end_time > start_time
        THEN day_before + (interval '24 hours' + end_time::interval) ELSE day_after END)
    ELSE calsync.cut_to_day(day, start_time, end_time, zone) END
$$;
REVOKE ALL ON FUNCTION
  calsync.working_time(date, time, time, text, timestamptz, timestamptz) FROM PUBLIC;

-- Intervals of one date that overlap or touch, in real time, are one; nothing is joined across
-- midnight.
CREATE FUNCTION calsync.working_intervals(
  rules calsync.effective_rules, first_date date, last_date date)
RETURNS SETOF tstzrange LANGUAGE plpgsql STABLE AS $$
DECLARE
  changed_dates datemultirange; -- those that do not follow the weekly hours
  closed_dates  datemultirange;
BEGIN
  SELECT range_agg(x.covered), range_agg(x.closed) INTO changed_dates, closed_dates
    FROM public.availability_exceptions x
    WHERE x.user_id = rules.consultant AND upper(x.covered) > first_date;
  RETURN QUERY
    SELECT unnest(range_agg(calsync.working_time(
      h.day, h.start_time, h.end_time, rules.time_zone, h.day_before, h.day_after)))
    FROM (
      SELECT w.*, (w.day - 1)::timestamp AT TIME ZONE rules.time_zone AS day_before,
             (w.day + 1)::timestamp AT TIME ZONE rules.time_zone AS day_after
      FROM (
        SELECT a.start_time, a.end_time, a.valid_from, a.valid_until,
               first_date + generate_series(
                 -- from the first such weekday on; 2001-01-01 was a Monday
                 ((a.day_of_week - (first_date - date '2001-01-01')) % 7 + 7) % 7,
                 last_date - first_date, 7) AS day
        FROM public.availability a WHERE a.user_id = rules.consultant
      ) w
      WHERE (w.valid_from IS NULL OR w.day >= w.valid_from)
        AND (w.valid_until IS NULL OR w.day <= w.valid_until)
        AND (w.day <@ changed_dates) IS NOT TRUE
      OFFSET 0 -- so that the midnights are reckoned once
    ) h
    GROUP BY h.day;
  IF closed_dates <> changed_dates THEN
    RETURN QUERY
      SELECT unnest(range_agg(calsync.working_time(
        d.day, x.start_time, x.end_time, rules.time_zone,
        (d.day - 1)::timestamp AT TIME ZONE rules.time_zone,
        (d.day + 1)::timestamp AT TIME ZONE rules.time_zone)))
      FROM public.availability_exceptions x
      JOIN (SELECT first_date + generate_series(0, last_date - first_date) AS day) d
        ON d.day <@ x.covered AND NOT d.day <@ closed_dates
      WHERE x.user_id = rules.consultant AND upper(x.covered) > first_date
      GROUP BY d.day;
  END IF;
END
$$;
REVOKE ALL ON FUNCTION calsync.working_intervals(calsync.effective_rules, date, date) FROM PUBLIC;
