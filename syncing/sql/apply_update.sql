-- Only rows that differ: an unchanged calendar writes nothing.
UPDATE public.synced_events stored
SET series_id = staged.series_id,
    title = staged.title,
    start_time = staged.start_time,
    end_time = staged.end_time,
    is_all_day = staged.is_all_day,
    start_date = staged.start_date,
    end_date = staged.end_date,
    status = staged.status,
    transparency = staged.transparency,
    booking_id = staged.booking_id,
    is_ohboy_booking = staged.booking_id IS NOT NULL,
    provider_updated_at = staged.provider_updated_at,
    problem = staged.problem,
    floats_in = staged.floats_in,
    raw_data = staged.raw_data
FROM pg_temp.staged_events staged
WHERE stored.connection_id = %(connection)s
  AND stored.provider_event_id = staged.provider_event_id
  AND (stored.series_id, stored.title, stored.start_time, stored.end_time, stored.is_all_day,
       stored.start_date, stored.end_date, stored.status, stored.transparency, stored.booking_id,
       stored.provider_updated_at, stored.problem, stored.floats_in, stored.raw_data)
      IS DISTINCT FROM
      (staged.series_id, staged.title, staged.start_time, staged.end_time, staged.is_all_day,
       staged.start_date, staged.end_date, staged.status, staged.transparency, staged.booking_id,
       staged.provider_updated_at, staged.problem, staged.floats_in, staged.raw_data);
