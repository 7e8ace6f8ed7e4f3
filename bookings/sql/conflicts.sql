-- Bookings ahead that an event in one of the consultant's calendars takes time from. Events of ours,
-- wherever a copy of one stands, are no conflicts; nor is what does not block time.
CREATE FUNCTION calsync.conflicts(asked_at timestamptz)
RETURNS TABLE (
  user_id uuid, booking_id uuid, sequence integer, event_id uuid, noticed_at timestamptz)
LANGUAGE sql STABLE AS $$
  SELECT b.user_id, b.id, b.sequence, e.id, e.updated_at
  FROM (SELECT DISTINCT c.user_id FROM public.calendar_connections c WHERE c.is_active) consultants
  CROSS JOIN LATERAL (
    SELECT calsync.effective_rules(consultants.user_id, NULL, NULL, NULL, asked_at) AS rules
    OFFSET 0
  ) r
  JOIN public.bookings b ON b.user_id = consultants.user_id
    AND b.status = 'confirmed' AND b.end_time > asked_at
  CROSS JOIN LATERAL calsync.blocking_events(r.rules, b.id) e
  WHERE e.booking_id IS NULL AND e.start_time < b.end_time AND e.end_time > b.start_time
    AND (e.start_time > b.start_time - interval '24 hours'
         OR e.end_time - e.start_time > interval '24 hours')
$$;
REVOKE ALL ON FUNCTION calsync.conflicts(timestamptz) FROM PUBLIC;
