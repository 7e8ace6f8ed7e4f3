-- What holds for every booking, whoever writes the row: calsync, the website with the service role, a
-- person with psql. The exclusion constraints keep bookings apart; these triggers do the rest.

-- Several writers of overlapping times at once would wait for each other at the exclusion
-- constraints, in chains that only deadlock_timeout ends; so they come one by one. calsync's own
-- INSERT … ON CONFLICT waits for nobody, and takes this lock only where bookings are counted.
CREATE FUNCTION calsync.come_one_by_one(consultant uuid) RETURNS void
LANGUAGE sql AS $$
  SELECT pg_advisory_xact_lock(hashtextextended('calsync.bookings:' || consultant, 0))
$$;
REVOKE ALL ON FUNCTION calsync.come_one_by_one(uuid) FROM PUBLIC;

-- Expired holds no longer count, but the constraints cannot know the time. They are updated in one
-- order, lest two requests wait for each other, and each as it is by then. Nearly always there is
-- none, and a look costs no lock. (A booking and a buffer last a day at most.)
CREATE FUNCTION calsync.cancel_expired_holds(consultant uuid, near timestamptz, except_for uuid)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  expired uuid;
BEGIN
  FOR expired IN
    SELECT h.id FROM public.bookings h
    WHERE h.user_id = consultant AND h.status = 'pending' AND h.hold_expires_at <= now()
      AND h.start_time BETWEEN near - interval '2 days' AND near + interval '2 days'
      AND h.id <> except_for
    ORDER BY h.id
  LOOP
    UPDATE public.bookings b
      SET status = 'cancelled', changed_by = 'system', cancellation_reason = 'The hold expired.'
      WHERE b.id = expired AND b.status = 'pending' AND b.hold_expires_at <= now();
  END LOOP;
END
$$;
REVOKE ALL ON FUNCTION calsync.cancel_expired_holds(uuid, timestamptz, uuid) FROM PUBLIC;

-- Raises 23P01, as the constraints do, where the consultant is busy otherwise or a day or week is
-- full. The hours, the notice and the grid of the slots are left to whoever writes, and so is what
-- is over.
CREATE FUNCTION calsync.refuse_busy_time(
  booking public.bookings, buffer_before integer, buffer_after integer)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  rules   calsync.effective_rules := calsync.effective_rules(
    booking.user_id, booking.meeting_type_id, NULL, NULL, now());
  busy    text;
  on_date date := (booking.start_time AT TIME ZONE rules.time_zone)::date;
BEGIN
  IF booking.end_time <= now() THEN
    RETURN;
  END IF;
  rules.buffer_before := make_interval(mins => buffer_before);
  rules.buffer_after := make_interval(mins => buffer_after);
  SELECT p.kind INTO busy
    FROM calsync.busy_periods(
      rules, booking.start_time - rules.buffer_before, booking.end_time + rules.buffer_after,
      booking.id, now()) p
    WHERE p.kind <> 'booking'
      AND booking.end_time > p.ends_before AND booking.start_time < p.starts_after
    LIMIT 1;
  IF busy IS NULL THEN
    SELECT p.kind INTO busy
      FROM calsync.full_periods(rules, on_date, on_date, booking.id, now()) p
      WHERE booking.start_time >= p.start_time AND booking.start_time < p.end_time
      LIMIT 1;
  END IF;
  IF busy IS NOT NULL THEN
    RAISE exclusion_violation USING
      MESSAGE = format('the consultant is not free at %s (%s)', booking.start_time, busy),
      CONSTRAINT = 'bookings_keep_to_free_time', TABLE = 'bookings', SCHEMA = 'public';
  END IF;
END
$$;
REVOKE ALL ON FUNCTION calsync.refuse_busy_time(public.bookings, integer, integer) FROM PUBLIC;

-- What the website left out, as calsync would have filled it in.
CREATE FUNCTION calsync.complete_booking(booking public.bookings) RETURNS public.bookings
LANGUAGE plpgsql AS $$
DECLARE
  defaults public.booking_settings;
  meeting  public.meeting_types;
BEGIN
  SELECT * INTO defaults FROM public.booking_settings s WHERE s.user_id = booking.user_id;
  SELECT * INTO meeting FROM public.meeting_types m
    WHERE m.id = booking.meeting_type_id AND m.user_id = booking.user_id;
  booking.title := coalesce(nullif(booking.title, ''), meeting.title, '');
  booking.location := coalesce(nullif(booking.location, ''), meeting.location, '');
  booking.has_conference := booking.has_conference OR coalesce(meeting.has_conference, false);
  booking.buffer_before := coalesce(
    nullif(booking.buffer_before, 0), meeting.buffer_before, defaults.buffer_before, 0);
  booking.buffer_after := coalesce(
    nullif(booking.buffer_after, 0), meeting.buffer_after, defaults.buffer_after, 0);
  RETURN booking;
END
$$;
REVOKE ALL ON FUNCTION calsync.complete_booking(public.bookings) FROM PUBLIC;

-- calsync's own statement alone gives a request_fingerprint, and has asked the SQL core itself.
CREATE FUNCTION calsync.guard_new_booking() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF NEW.request_fingerprint = '' THEN
    NEW := calsync.complete_booking(NEW);
    PERFORM calsync.come_one_by_one(NEW.user_id);
    PERFORM calsync.refuse_busy_time(NEW, NEW.buffer_before, NEW.buffer_after);
  END IF;
  PERFORM calsync.cancel_expired_holds(NEW.user_id, NEW.start_time, NEW.id);
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION calsync.guard_new_booking() FROM PUBLIC;
CREATE TRIGGER guard_new BEFORE INSERT ON public.bookings
  FOR EACH ROW WHEN (NEW.status IN ('pending', 'confirmed'))
  EXECUTE FUNCTION calsync.guard_new_booking();

-- Whether it is calsync that writes, and not the website under a role of its own. Triggers ask it:
-- they run as the owner of the tables, whoever writes.
CREATE FUNCTION calsync.is_writing() RETURNS boolean
LANGUAGE sql STABLE AS $$
  SELECT coalesce(nullif(current_setting('role'), 'none'), session_user) = current_user
$$;
REVOKE ALL ON FUNCTION calsync.is_writing() FROM PUBLIC;

-- A change of time or status: the booking is checked again, is a new revision for every calendar it
-- stands in (SEQUENCE, RFC 5546, section 2.1.4), and its event is due.
CREATE FUNCTION calsync.guard_changed_booking() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  is_moved    boolean := (OLD.start_time, OLD.end_time) IS DISTINCT FROM (NEW.start_time, NEW.end_time);
  is_standing boolean := NEW.status IN ('pending', 'confirmed');
BEGIN
  IF NEW.changed_by = OLD.changed_by AND NOT calsync.is_writing() THEN
    NEW.changed_by := ''; -- who decided is not said, and need not be who did last time
  END IF;
  IF is_standing THEN
    PERFORM calsync.come_one_by_one(NEW.user_id);
    PERFORM calsync.cancel_expired_holds(NEW.user_id, NEW.start_time, NEW.id);
    -- Who stays where they are need not keep their distance anew.
    PERFORM calsync.refuse_busy_time(
      NEW, CASE WHEN is_moved THEN NEW.buffer_before ELSE 0 END,
      CASE WHEN is_moved THEN NEW.buffer_after ELSE 0 END);
    NEW.cancelled_at := NULL;
    NEW.cancellation_reason := '';
  ELSE
    NEW.cancelled_at := coalesce(NEW.cancelled_at, now());
  END IF;
  IF NEW.status = 'confirmed' THEN
    NEW.hold_expires_at := NULL;
  END IF;
  IF is_moved THEN
    NEW.moved_from := OLD.start_time;
  END IF;
  IF is_moved OR 'cancelled' IN (OLD.status, NEW.status) THEN
    NEW.sequence := greatest(NEW.sequence, OLD.sequence + 1);
  END IF;
  IF NEW.status = 'cancelled' AND OLD.event_connection_id IS NULL AND OLD.provider_event_id = '' THEN
    NEW.event_state := 'removed'; -- there never was one
    NEW.event_due_at := NULL;
  ELSE
    NEW.event_state := 'due';
    NEW.event_due_at := now();
    IF OLD.event_state <> 'due' THEN -- else a worker is at it, or the provider is to be left alone
      NEW.event_not_before := NULL;
      NEW.event_attempts := 0;
    END IF;
  END IF;
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION calsync.guard_changed_booking() FROM PUBLIC;
CREATE TRIGGER guard_change BEFORE UPDATE ON public.bookings
  FOR EACH ROW
  WHEN ((OLD.status, OLD.start_time, OLD.end_time)
        IS DISTINCT FROM (NEW.status, NEW.start_time, NEW.end_time))
  EXECUTE FUNCTION calsync.guard_changed_booking();

-- A booking and what it refers to are of one consultant, and it stays with them.
CREATE FUNCTION calsync.keep_to_one_consultant() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
BEGIN
  IF OLD.user_id <> NEW.user_id
    OR EXISTS (SELECT FROM public.meeting_types t
               WHERE t.id = NEW.meeting_type_id AND t.user_id <> NEW.user_id)
    OR EXISTS (SELECT FROM public.calendar_connections c
               WHERE c.id = NEW.event_connection_id AND c.user_id <> NEW.user_id)
  THEN
    RAISE foreign_key_violation USING
      MESSAGE = 'a booking, its meeting type and its calendar are of one consultant',
      CONSTRAINT = 'bookings_of_one_consultant', TABLE = 'bookings', SCHEMA = 'public';
  END IF;
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION calsync.keep_to_one_consultant() FROM PUBLIC;
CREATE TRIGGER begin_with_one_consultant BEFORE INSERT ON public.bookings
  FOR EACH ROW WHEN (NEW.request_fingerprint = '')
  EXECUTE FUNCTION calsync.keep_to_one_consultant();
CREATE TRIGGER keep_to_one_consultant BEFORE UPDATE ON public.bookings
  FOR EACH ROW
  WHEN ((OLD.user_id, OLD.meeting_type_id, OLD.event_connection_id)
        IS DISTINCT FROM (NEW.user_id, NEW.meeting_type_id, NEW.event_connection_id))
  EXECUTE FUNCTION calsync.keep_to_one_consultant();
