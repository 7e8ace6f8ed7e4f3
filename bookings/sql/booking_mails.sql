-- The mails that a booking owes: one row per kind, recipient, revision and subject, sent once.
CREATE TABLE calsync.booking_mails (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  booking_id uuid NOT NULL REFERENCES public.bookings ON DELETE CASCADE,
  kind       text NOT NULL CHECK (kind <> ''),
  recipient  text NOT NULL CHECK (recipient IN ('invitee', 'consultant')),
  sequence   integer NOT NULL DEFAULT 0 CHECK (sequence >= 0), -- the booking's, when it was owed
  about      text NOT NULL DEFAULT '', -- which of several: a reminder's minutes, a conflict's event
  due_at     timestamptz DEFAULT now(), -- null: sent, or given up
  not_before timestamptz,               -- no worker starts before: one is at it, or the server failed
  attempts   integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  sent_at    timestamptz,
  error      text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT booking_mails_once UNIQUE (booking_id, kind, recipient, sequence, about)
);
CREATE INDEX idx_booking_mails_due ON calsync.booking_mails (due_at) WHERE due_at IS NOT NULL;
