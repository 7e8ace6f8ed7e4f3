-- The only definition of busy.

-- Bookings that hold their time: confirmed, or pending and not expired. A booking that is ignored
-- does not stand in its own way.
CREATE FUNCTION calsync.standing_bookings(
  consultant uuid, from_time timestamptz, to_time timestamptz, ignored_booking uuid,
  asked_at timestamptz)
RETURNS SETOF public.bookings LANGUAGE sql STABLE AS $$
  SELECT b.* FROM public.bookings b
  WHERE b.user_id = consultant AND b.status IN ('pending', 'confirmed')
    AND (b.status = 'confirmed' OR b.hold_expires_at IS NULL OR b.hold_expires_at > asked_at)
    AND (ignored_booking IS NULL OR b.id <> ignored_booking)
    AND b.start_time >= from_time AND b.start_time < to_time
$$;
REVOKE ALL ON FUNCTION
  calsync.standing_bookings(uuid, timestamptz, timestamptz, uuid, timestamptz) FROM PUBLIC;

-- Events that take time: neither cancelled nor transparent, in a calendar that blocks time, and not
-- the event of a booking that is cancelled or ignored.
CREATE FUNCTION calsync.blocking_events(rules calsync.effective_rules, ignored_booking uuid)
RETURNS SETOF public.synced_events LANGUAGE sql STABLE AS $$
  SELECT e.* FROM public.synced_events e
  WHERE e.connection_id = ANY (rules.connections)
    AND e.status <> 'cancelled' AND e.transparency = 'opaque' AND e.end_time > e.start_time
    AND (e.status <> 'tentative' OR e.connection_id <> ALL (rules.ignores_tentative))
    AND (e.booking_id IS NULL OR (
      e.booking_id IS DISTINCT FROM ignored_booking
      AND (SELECT b.status = 'cancelled' AND b.user_id = rules.consultant
           FROM public.bookings b WHERE b.id = e.booking_id) IS NOT TRUE))
$$;
REVOKE ALL ON FUNCTION calsync.blocking_events(calsync.effective_rules, uuid) FROM PUBLIC;

-- What is busy in [from_time, to_time), and where a slot must end before it or may start after it:
-- the slot's own buffers apply, next to a booking the larger of the slot's and the booking's.
CREATE FUNCTION calsync.busy_periods(
  rules calsync.effective_rules, from_time timestamptz, to_time timestamptz, ignored_booking uuid,
  asked_at timestamptz)
RETURNS TABLE (kind text, title text, start_time timestamptz, end_time timestamptz,
               ends_before timestamptz, starts_after timestamptz)
LANGUAGE sql STABLE AS $$
  SELECT 'event', e.title, e.start_time, e.end_time,
         e.start_time - rules.buffer_after, e.end_time + rules.buffer_before
  FROM calsync.blocking_events(rules, ignored_booking) e
  WHERE e.start_time > from_time - interval '24 hours' AND e.start_time < to_time
    AND e.end_time > from_time
  UNION ALL
  -- The few longer ones have an index of their own; so that of all others is read by start_time.
  SELECT 'event', e.title, e.start_time, e.end_time,
         e.start_time - rules.buffer_after, e.end_time + rules.buffer_before
  FROM calsync.blocking_events(rules, ignored_booking) e
  WHERE e.end_time - e.start_time > interval '24 hours'
    AND e.start_time <= from_time - interval '24 hours' AND e.end_time > from_time
  UNION ALL
  -- A booking lasts a day at most, and so do its buffers.
  SELECT 'booking', b.title, b.start_time, b.end_time,
         b.start_time - greatest(rules.buffer_after, make_interval(mins => b.buffer_before)),
         b.end_time + greatest(rules.buffer_before, make_interval(mins => b.buffer_after))
  FROM calsync.standing_bookings(rules.consultant, from_time - interval '48 hours',
                                 to_time + interval '24 hours', ignored_booking, asked_at) b
  UNION ALL
  SELECT 'blocked', d.reason, d.start_time, d.end_time,
         d.start_time - rules.buffer_after, d.end_time + rules.buffer_before
  FROM (
    SELECT b.reason,
           coalesce(b.start_time, calsync.wall_clock_to_instant(
             b.start_date::timestamp, rules.time_zone)) AS start_time,
           coalesce(b.end_time, calsync.wall_clock_to_instant(
             (b.end_date + 1)::timestamp, rules.time_zone)) AS end_time
    FROM public.blocked_dates b
    WHERE b.user_id = rules.consultant
      AND coalesce(b.end_time, (b.end_date + 2)::timestamp AT TIME ZONE 'UTC') > from_time
  ) d
  WHERE d.start_time < to_time AND d.end_time > from_time
$$;
REVOKE ALL ON FUNCTION calsync.busy_periods(
  calsync.effective_rules, timestamptz, timestamptz, uuid, timestamptz) FROM PUBLIC;

-- The dates and weeks (from Monday) that hold as many bookings, of any meeting type, as they may.
CREATE FUNCTION calsync.full_periods(
  rules calsync.effective_rules, first_date date, last_date date, ignored_booking uuid,
  asked_at timestamptz)
RETURNS TABLE (
  kind text, bookings bigint, most integer, start_time timestamptz, end_time timestamptz)
LANGUAGE sql STABLE AS $$
  SELECT l.kind, p.bookings, l.most,
         calsync.wall_clock_to_instant(p.first_day, rules.time_zone),
         calsync.wall_clock_to_instant(p.first_day + l.length, rules.time_zone)
  FROM (VALUES ('daily_limit', 'day', interval '1 day', rules.daily_limit),
               ('weekly_limit', 'week', interval '7 days', rules.weekly_limit)
       ) AS l (kind, unit, length, most)
  CROSS JOIN LATERAL (
    SELECT date_trunc(l.unit, b.start_time AT TIME ZONE rules.time_zone) AS first_day,
           count(*) AS bookings
    FROM calsync.standing_bookings(
      rules.consultant,
      calsync.wall_clock_to_instant(date_trunc('week', first_date::timestamp), rules.time_zone),
      calsync.wall_clock_to_instant((last_date + 7)::timestamp, rules.time_zone),
      ignored_booking, asked_at) b
    GROUP BY 1
  ) p
  WHERE p.bookings >= l.most
$$;
REVOKE ALL ON FUNCTION
  calsync.full_periods(calsync.effective_rules, date, date, uuid, timestamptz) FROM PUBLIC;
