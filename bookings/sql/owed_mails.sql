-- Which mails a booking owes for what has happened to it. They become due in the transaction that
-- makes it happen, whoever writes: no booking is silent, and none speaks twice. (PL/pgSQL keeps the
-- plans of its statements from call to call; SQL functions plan each time.)

-- What a change of a row means to the people concerned; null: nothing.
CREATE FUNCTION calsync.what_happened(before public.bookings, after public.bookings) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE after.status
    WHEN 'confirmed' THEN CASE
      WHEN before.status = 'pending' AND before.hold_expires_at IS NULL THEN 'approved'
      WHEN before.status = 'confirmed' THEN 'moved'
      ELSE 'booked' END
    WHEN 'pending' THEN CASE WHEN after.hold_expires_at IS NULL THEN 'requested' END
    WHEN 'cancelled' THEN CASE
      WHEN before.status = 'confirmed' THEN 'cancelled'
      WHEN before.status = 'pending' AND before.hold_expires_at IS NULL
        THEN CASE after.changed_by WHEN 'invitee' THEN 'withdrawn' ELSE 'declined' END
      END
    END
$$;
REVOKE ALL ON FUNCTION calsync.what_happened(public.bookings, public.bookings) FROM PUBLIC;

-- What each happening owes, in one statement. A booking that is over concerns nobody any more.
CREATE FUNCTION calsync.tell_of_booking() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  happened text := calsync.what_happened(CASE WHEN TG_OP = 'UPDATE' THEN OLD END, NEW);
BEGIN
  IF happened IS NULL OR NEW.end_time <= now() THEN
    RETURN NULL;
  END IF;
  INSERT INTO calsync.booking_mails (booking_id, kind, recipient, sequence, about, due_at)
  SELECT NEW.id, m.kind, m.recipient, NEW.sequence, m.about, m.due_at
  FROM (
    SELECT v.kind, v.recipient, '' AS about,
           -- The link of a video call comes with the event: writing it makes the mail due at once.
           now() + CASE
             WHEN NEW.has_conference AND v.kind IN ('confirmation', 'consultant_notice', 'change')
             THEN interval '2 minutes' ELSE interval '0' END AS due_at
    FROM (VALUES
      ('booked',    'confirmation',      'invitee'),
      ('booked',    'consultant_notice', 'consultant'),
      ('requested', 'request',           'invitee'),
      ('requested', 'approval',          'consultant'),
      ('approved',  'confirmation',      'invitee'),
      ('declined',  'refusal',           'invitee'),
      ('withdrawn', 'withdrawal',        'consultant'),
      ('moved',     'change',            'invitee'),
      ('moved',     'change',            'consultant'),
      ('cancelled', 'cancellation',      'invitee'),
      ('cancelled', 'cancellation',      'consultant')
    ) AS v (happening, kind, recipient)
    WHERE v.happening = happened
    UNION ALL
    SELECT 'reminder', 'invitee', r.minutes::text,
           NEW.start_time - make_interval(mins => r.minutes)
    FROM public.booking_settings s
    LEFT JOIN public.meeting_types t ON t.id = NEW.meeting_type_id
    CROSS JOIN LATERAL unnest(coalesce(t.reminders, s.reminders)) AS r (minutes)
    WHERE s.user_id = NEW.user_id AND NEW.status = 'confirmed'
      AND NEW.start_time - make_interval(mins => r.minutes) > now()
  ) AS m
  WHERE m.recipient = 'consultant' OR NEW.invitee_email <> ''
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION calsync.tell_of_booking() FROM PUBLIC;
CREATE TRIGGER tell_of_new AFTER INSERT ON public.bookings
  FOR EACH ROW EXECUTE FUNCTION calsync.tell_of_booking();
CREATE TRIGGER tell_of_change AFTER UPDATE ON public.bookings
  FOR EACH ROW
  WHEN ((OLD.status, OLD.start_time, OLD.end_time, OLD.hold_expires_at IS NULL)
        IS DISTINCT FROM (NEW.status, NEW.start_time, NEW.end_time, NEW.hold_expires_at IS NULL))
  EXECUTE FUNCTION calsync.tell_of_booking();

-- Since when the calendar has not shown what the booking says. Who tries again changes nothing of it.
CREATE FUNCTION calsync.note_event_due() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  NEW.event_due_since := now();
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION calsync.note_event_due() FROM PUBLIC;
-- By its name it comes after the guard, which makes the event due.
CREATE TRIGGER note_event_due BEFORE UPDATE ON public.bookings
  FOR EACH ROW
  WHEN (NEW.event_state = 'due'
        AND (OLD.event_state, OLD.status, OLD.start_time, OLD.end_time)
            IS DISTINCT FROM (NEW.event_state, NEW.status, NEW.start_time, NEW.end_time))
  EXECUTE FUNCTION calsync.note_event_due();

-- Owes the consultant an alarm, one for each revision, of what the calendar refused or has not taken
-- for so long.
CREATE FUNCTION calsync.owe_alarms(patience interval) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO calsync.booking_mails (booking_id, kind, recipient, sequence)
  SELECT b.id, 'calendar_trouble', 'consultant', b.sequence
  FROM public.bookings b
  WHERE b.event_state IN ('due', 'failed') AND b.status <> 'pending' AND b.end_time > now()
    AND (b.event_state = 'failed' OR b.event_due_since <= now() - patience)
  ON CONFLICT DO NOTHING
$$;
REVOKE ALL ON FUNCTION calsync.owe_alarms(interval) FROM PUBLIC;

-- Owes the invitee the link of a video call that became known after the mail that was to tell it.
CREATE FUNCTION calsync.owe_link(booking uuid) RETURNS void
LANGUAGE sql AS $$
  INSERT INTO calsync.booking_mails (booking_id, kind, recipient, sequence, about)
  SELECT b.id, 'conference', 'invitee', b.sequence, b.conference_url
  FROM public.bookings b
  WHERE b.id = booking AND b.status = 'confirmed' AND b.conference_url <> ''
    AND EXISTS (
      SELECT FROM calsync.booking_mails m
      WHERE m.booking_id = b.id AND m.sequence = b.sequence AND m.recipient = 'invitee'
        AND m.kind IN ('confirmation', 'change') AND m.sent_at IS NOT NULL)
  ON CONFLICT DO NOTHING
$$;
REVOKE ALL ON FUNCTION calsync.owe_link(uuid) FROM PUBLIC;
