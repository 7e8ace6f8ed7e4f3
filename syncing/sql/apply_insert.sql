INSERT INTO public.synced_events (
  connection_id, provider_event_id, series_id, title, start_time, end_time, is_all_day, start_date,
  end_date, status, transparency, booking_id, is_ohboy_booking, provider_updated_at, problem,
  floats_in, raw_data)
SELECT %(connection)s, provider_event_id, series_id, title, start_time, end_time, is_all_day,
       start_date, end_date, status, transparency, booking_id, booking_id IS NOT NULL,
       provider_updated_at, problem, floats_in, raw_data
FROM pg_temp.staged_events staged
WHERE NOT EXISTS (SELECT FROM public.synced_events stored
                  WHERE stored.connection_id = %(connection)s
                    AND stored.provider_event_id = staged.provider_event_id);
