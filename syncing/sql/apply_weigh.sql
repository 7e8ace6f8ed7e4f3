-- How many busy rows ahead of now are stored, and how many of them the staged full round still shows.
SELECT count(*), count(staged.provider_event_id)
FROM public.synced_events stored
LEFT JOIN pg_temp.staged_events staged USING (provider_event_id)
WHERE stored.connection_id = %(connection)s
  AND stored.end_time > %(now)s
  AND stored.status != 'cancelled' AND stored.transparency = 'opaque';
