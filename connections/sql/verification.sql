-- What the provider's own word on a calendar has shown, and until when it wants to be left alone.
ALTER TABLE public.calendar_connections
  ADD COLUMN not_before            timestamptz, -- the provider asked to be left alone until then
  ADD COLUMN verified_at           timestamptz, -- when our busy time was last held against theirs
  -- Null where the provider tells no busy times: there is nothing to compare with.
  ADD COLUMN drift_missing_minutes integer, -- busy there and free here: could be booked by mistake
  ADD COLUMN drift_surplus_minutes integer; -- busy here alone

GRANT SELECT (verified_at, drift_missing_minutes, drift_surplus_minutes)
  ON public.calendar_connections TO authenticated;

-- Watches of calendars that were switched off are due as well: they are stopped.
DROP INDEX public.idx_cal_conn_watch_due;
CREATE INDEX idx_cal_conn_watch_due ON public.calendar_connections (next_watch_at)
  WHERE next_watch_at IS NOT NULL;
