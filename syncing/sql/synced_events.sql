-- The busy time of each connection: one row per occurrence, never more content than its title.
CREATE TABLE public.synced_events (
  id                  uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  connection_id       uuid NOT NULL REFERENCES public.calendar_connections ON DELETE CASCADE,
  provider_event_id   text NOT NULL,
  title               text,
  start_time          timestamptz NOT NULL,
  end_time            timestamptz NOT NULL,
  is_all_day          boolean NOT NULL DEFAULT false,
  status              text NOT NULL DEFAULT 'confirmed'
                      CHECK (status IN ('confirmed', 'tentative', 'cancelled')),
  transparency        text NOT NULL DEFAULT 'opaque'
                      CHECK (transparency IN ('opaque', 'transparent')),
  is_ohboy_booking    boolean NOT NULL DEFAULT false,
  booking_id          uuid,
  provider_updated_at timestamptz,
  raw_data            jsonb,
  created_at          timestamptz NOT NULL DEFAULT now(),
  updated_at          timestamptz NOT NULL DEFAULT now(),

  series_id           text NOT NULL DEFAULT '', -- what the provider removes as a whole
  start_date          date,                     -- an all-day event keeps its dates,
  end_date            date,                     -- the end exclusive
  problem             text NOT NULL DEFAULT '', -- why it could not be read in full; it blocks all the same
  floats_in           text NOT NULL DEFAULT '', -- the zone its wall times were read in, as they name none

  CONSTRAINT synced_events_not_inverted CHECK (end_time >= start_time),
  CONSTRAINT synced_events_finite CHECK (isfinite(start_time) AND isfinite(end_time))
);

CREATE INDEX idx_synced_events_time ON public.synced_events (start_time, end_time)
  WHERE status != 'cancelled' AND transparency = 'opaque';
-- Free time is sought by calendar and start; the few events longer than a day, by their end. Both
-- hold all that the search asks for.
CREATE INDEX idx_synced_events_busy ON public.synced_events (connection_id, start_time, end_time)
  INCLUDE (status, booking_id) WHERE status != 'cancelled' AND transparency = 'opaque';
CREATE INDEX idx_synced_events_long ON public.synced_events (connection_id, end_time, start_time)
  INCLUDE (status, booking_id) WHERE status != 'cancelled' AND transparency = 'opaque'
    AND end_time - start_time > interval '24 hours';
CREATE UNIQUE INDEX idx_synced_events_provider
  ON public.synced_events (connection_id, provider_event_id);
CREATE INDEX idx_synced_events_series ON public.synced_events (connection_id, series_id);
CREATE INDEX idx_synced_events_booking ON public.synced_events (booking_id)
  WHERE booking_id IS NOT NULL;

CREATE TRIGGER touch_updated_at BEFORE UPDATE ON public.synced_events
  FOR EACH ROW EXECUTE FUNCTION calsync.touch_updated_at();

ALTER TABLE public.synced_events ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON public.synced_events FROM PUBLIC, anon, authenticated;
GRANT ALL ON public.synced_events TO service_role;
GRANT SELECT ON public.synced_events TO authenticated;
CREATE POLICY own_rows ON public.synced_events FOR SELECT TO authenticated
  USING (EXISTS (SELECT FROM public.calendar_connections c WHERE c.id = connection_id
    AND c.user_id = (SELECT (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub')::uuid)));
