-- Outgoing webhooks: the consultant's own systems are told of bookings. What is to be told is a row
-- that is written in the booking's own transaction, with the booking as it was then.
CREATE TABLE public.webhook_endpoints (
  id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id          uuid NOT NULL REFERENCES calsync.consultants ON DELETE CASCADE,
  url              text NOT NULL CHECK (length(url) <= 2000),
  secret_encrypted text, -- what calls are signed with; null: none was made yet, and nothing is sent
  events           text[] NOT NULL DEFAULT '{created,changed,cancelled}'
                   CHECK (events <@ '{created,changed,cancelled}' AND cardinality(events) > 0),
  is_active        boolean NOT NULL DEFAULT true,
  created_at       timestamptz NOT NULL DEFAULT now(),
  updated_at       timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT webhook_endpoints_once UNIQUE (user_id, url)
);
CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.webhook_endpoints
  FOR EACH ROW EXECUTE FUNCTION calsync.touch_updated_at();
ALTER TABLE public.webhook_endpoints ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON public.webhook_endpoints FROM PUBLIC, anon, authenticated;
GRANT ALL ON public.webhook_endpoints TO service_role;
GRANT SELECT (id, user_id, url, events, is_active, created_at, updated_at)
  ON public.webhook_endpoints TO authenticated;
CREATE POLICY own_rows ON public.webhook_endpoints FOR SELECT TO authenticated
  USING (user_id = (SELECT (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub')::uuid));

CREATE TABLE calsync.webhook_deliveries (
  id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  endpoint_id  uuid NOT NULL REFERENCES public.webhook_endpoints ON DELETE CASCADE,
  booking_id   uuid NOT NULL REFERENCES public.bookings ON DELETE CASCADE,
  event        text NOT NULL CHECK (event IN ('created', 'changed', 'cancelled')),
  sequence     integer NOT NULL CHECK (sequence >= 0), -- the booking's then: the higher is the later
  payload      jsonb NOT NULL,
  due_at       timestamptz DEFAULT now(), -- null: delivered, or given up
  not_before   timestamptz,               -- no worker starts before: one is at it, or it failed
  attempts     integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  status_code  integer,                   -- of the last answer; null: there was none
  answer       text NOT NULL DEFAULT '' CHECK (length(answer) <= 200),
  error        text NOT NULL DEFAULT '',
  delivered_at timestamptz,
  created_at   timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT webhook_deliveries_once UNIQUE (endpoint_id, booking_id, event, sequence)
);
CREATE INDEX idx_webhook_deliveries_due ON calsync.webhook_deliveries (due_at)
  WHERE due_at IS NOT NULL;
CREATE INDEX idx_webhook_deliveries_booking ON calsync.webhook_deliveries (booking_id);
CREATE INDEX idx_webhook_deliveries_created ON calsync.webhook_deliveries (created_at);

-- A booking as another system is told of it. What people wrote is cut to a bearable length.
CREATE FUNCTION calsync.webhook_payload(booking public.bookings) RETURNS jsonb
LANGUAGE sql STABLE AS $$
  SELECT jsonb_build_object(
    'id', booking.id,
    'sequence', booking.sequence,
    'status', booking.status,
    'start', to_char(booking.start_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'end', to_char(booking.end_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'moved_from', to_char(booking.moved_from AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'),
    'title', left(booking.title, 1000),
    'location', left(booking.location, 1000),
    'meeting_type', (SELECT t.slug FROM public.meeting_types t WHERE t.id = booking.meeting_type_id),
    'consultant', (SELECT c.slug FROM calsync.consultants c WHERE c.id = booking.user_id),
    'invitee', jsonb_build_object(
      'name', left(booking.invitee_name, 1000),
      'email', left(booking.invitee_email, 1000),
      'time_zone', left(booking.invitee_time_zone, 100),
      'notes', left(booking.invitee_notes, 5000)),
    'answers', CASE WHEN length(booking.answers::text) <= 50000 THEN booking.answers END,
    'changed_by', booking.changed_by,
    'cancellation_reason', left(booking.cancellation_reason, 5000))
$$;
REVOKE ALL ON FUNCTION calsync.webhook_payload(public.bookings) FROM PUBLIC;

-- What a change of a row means to another system; null: nothing. To it a request is a booking whose
-- status says that it is not confirmed yet.
CREATE FUNCTION calsync.webhook_event(before public.bookings, after public.bookings) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE calsync.what_happened(before, after)
    WHEN 'booked' THEN CASE before.status WHEN 'cancelled' THEN 'changed' ELSE 'created' END
    WHEN 'requested' THEN 'created'
    WHEN 'approved' THEN 'changed'
    WHEN 'moved' THEN 'changed'
    WHEN 'cancelled' THEN 'cancelled'
    WHEN 'declined' THEN 'cancelled'
    WHEN 'withdrawn' THEN 'cancelled'
  END
$$;
REVOKE ALL ON FUNCTION calsync.webhook_event(public.bookings, public.bookings) FROM PUBLIC;

CREATE FUNCTION calsync.owe_deliveries() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = '' AS $$
DECLARE
  happened text := calsync.webhook_event(CASE WHEN TG_OP = 'UPDATE' THEN OLD END, NEW);
  endpoint uuid;
BEGIN
  IF happened IS NULL THEN
    RETURN NULL;
  END IF;
  FOR endpoint IN -- mostly none: then the deliveries are not touched
    SELECT e.id FROM public.webhook_endpoints e
    WHERE e.user_id = NEW.user_id AND e.is_active AND happened = ANY (e.events)
  LOOP
    INSERT INTO calsync.webhook_deliveries (endpoint_id, booking_id, event, sequence, payload)
    VALUES (endpoint, NEW.id, happened, NEW.sequence, calsync.webhook_payload(NEW))
    ON CONFLICT DO NOTHING;
  END LOOP;
  RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION calsync.owe_deliveries() FROM PUBLIC;
CREATE TRIGGER deliver_new AFTER INSERT ON public.bookings
  FOR EACH ROW EXECUTE FUNCTION calsync.owe_deliveries();
CREATE TRIGGER deliver_change AFTER UPDATE ON public.bookings
  FOR EACH ROW
  WHEN ((OLD.status, OLD.start_time, OLD.end_time, OLD.hold_expires_at IS NULL)
        IS DISTINCT FROM (NEW.status, NEW.start_time, NEW.end_time, NEW.hold_expires_at IS NULL))
  EXECUTE FUNCTION calsync.owe_deliveries();
