-- What must never be so. Every row is a promise that is broken, or about to be.
CREATE FUNCTION public.audit_invariants()
RETURNS TABLE (invariant text, subject uuid, detail text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = '' AS $$
  -- Two bookings that hold their time keep the larger of the earlier one's buffer_after and the later
  -- one's buffer_before between them.
  SELECT 'bookings_overlap', later.id, format('too close to booking %s', earlier.id)
  FROM public.bookings earlier
  JOIN public.bookings later
    ON later.user_id = earlier.user_id AND later.id <> earlier.id
    AND (later.start_time, later.id) > (earlier.start_time, earlier.id)
    AND later.start_time < earlier.end_time
      + make_interval(mins => greatest(earlier.buffer_after, later.buffer_before))
  WHERE earlier.status IN ('pending', 'confirmed') AND later.status IN ('pending', 'confirmed')
  UNION ALL
  SELECT 'booking_on_busy_time', b.id, format('%s %s from %s', p.kind, p.title, p.start_time)
  FROM public.bookings b
  CROSS JOIN LATERAL calsync.busy_periods(
    calsync.effective_rules(b.user_id, NULL, NULL, 0, now()), b.start_time, b.end_time, b.id, now()) p
  WHERE b.status = 'confirmed' AND b.end_time > now() AND p.kind <> 'booking'
    AND p.start_time < b.end_time AND p.end_time > b.start_time
  UNION ALL
  SELECT 'booking_without_event', b.id, coalesce(nullif(b.event_error, ''), 'not written yet')
  FROM public.bookings b
  WHERE b.status = 'confirmed' AND b.end_time > now()
    AND (b.event_state = 'failed'
         OR b.event_state = 'due'
            AND (b.event_attempts >= 3 OR b.updated_at < now() - interval '15 minutes'))
  UNION ALL
  SELECT 'event_without_booking', e.id, format('in calendar %s', e.connection_id)
  FROM public.synced_events e
  LEFT JOIN public.bookings b ON b.id = e.booking_id
  WHERE e.is_ohboy_booking AND e.status <> 'cancelled' AND e.end_time > now()
    AND (b.id IS NULL OR b.status = 'cancelled'
         AND coalesce(b.cancelled_at, b.updated_at) < now() - interval '15 minutes')
  UNION ALL
  SELECT 'hold_outlives_its_time', b.id, format('expired at %s', b.hold_expires_at)
  FROM public.bookings b
  WHERE b.status = 'pending' AND b.hold_expires_at < now() - interval '15 minutes'
  UNION ALL
  -- Where a calendar can be watched at all, next_watch_at says when its watch is next seen to.
  SELECT 'watch_is_dead', c.id, coalesce(nullif(c.watch_error, ''),
         'ended at ' || c.webhook_expiration, 'due since ' || c.next_watch_at)
  FROM public.calendar_connections c
  WHERE c.is_active AND c.reconnect_needed_at IS NULL AND c.next_watch_at IS NOT NULL
    AND c.created_at < now() - interval '15 minutes'
    AND (c.webhook_expiration < now() - interval '15 minutes'
         OR c.webhook_expiration IS NULL
            AND (c.watch_error <> '' OR c.next_watch_at < now() - interval '15 minutes'))
  UNION ALL
  SELECT 'sync_is_stuck', c.id, format('due since %s', c.next_sync_at)
  FROM public.calendar_connections c
  WHERE c.is_active AND c.next_sync_at < now() - interval '15 minutes'
  UNION ALL
  SELECT 'look_is_stuck', d.booking_id, format('due since %s', d.due_at)
  FROM calsync.event_doubts d
  WHERE d.due_at < now() - interval '15 minutes'
  UNION ALL
  SELECT 'mail_is_stuck', m.booking_id, format('%s due since %s', m.kind, m.due_at)
  FROM calsync.booking_mails m
  WHERE m.due_at < now() - interval '15 minutes'
  UNION ALL
  SELECT 'delivery_is_stuck', w.booking_id, format('due since %s', w.due_at)
  FROM calsync.webhook_deliveries w
  WHERE w.due_at < now() - interval '15 minutes'
$$;
REVOKE ALL ON FUNCTION public.audit_invariants() FROM PUBLIC, anon, authenticated;
GRANT EXECUTE ON FUNCTION public.audit_invariants() TO service_role;
