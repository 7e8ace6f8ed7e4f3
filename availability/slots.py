"""Ask PostgreSQL what is free: thin callers of the SQL that alone decides it.

The public functions ``get_available_slots``, ``get_available_days``, ``get_calendar_freshness`` and
``explain_slot`` read the clock themselves. Inside the database the same core is reached through two
private functions, which take the clock as their last argument (``asked_at``)::

    calsync.offered_slot(consultant uuid, meeting_type uuid, starts_at timestamptz,
                         slot_duration integer, buffer integer, ignored_booking uuid,
                         asked_at timestamptz)
      RETURNS TABLE (slot_start timestamptz, slot_end timestamptz,
                     buffer_before integer, buffer_after integer)   -- minutes
    calsync.is_offered(the same arguments) RETURNS boolean

``offered_slot`` gives one row when the slot is offered and none when it is not, so that a booking is
one statement: ``INSERT INTO bookings (…) SELECT …, slot_start, slot_end, buffer_before, buffer_after
FROM calsync.offered_slot(…) ON CONFLICT DO NOTHING RETURNING …``. Nulls mean the meeting type's
value, else the consultant's. ``ignored_booking`` is a booking that does not stand in its own way (a
reschedule, or a hold that becomes a booking): neither its time nor its calendar event nor its place
in a daily or weekly limit counts. A meeting type that is not active is offered only together with
``ignored_booking``.
"""
