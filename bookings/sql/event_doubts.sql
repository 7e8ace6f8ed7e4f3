-- Bookings whose event a sync no longer shows where calsync wrote it, and what looking there found.
-- A sync alone proves nothing: lists are cut short, and report removals that never were.
CREATE TABLE calsync.event_doubts (
  booking_id     uuid PRIMARY KEY REFERENCES public.bookings ON DELETE CASCADE,
  as_of          timestamptz NOT NULL, -- the booking's updated_at: void once that is another one
  finding        text NOT NULL DEFAULT '' CHECK (finding IN ('', 'gone', 'elsewhere')),
  start_time     timestamptz,          -- where the event was found instead
  end_time       timestamptz,
  found_at       timestamptz,          -- the first of the looks that found just this
  waits_for_word boolean NOT NULL DEFAULT false, -- the consultant is to decide
  due_at         timestamptz NOT NULL DEFAULT now(), -- the next look
  failures       integer NOT NULL DEFAULT 0 CHECK (failures >= 0) -- looks in a row that failed
);
CREATE INDEX idx_event_doubts_due ON calsync.event_doubts (due_at);
