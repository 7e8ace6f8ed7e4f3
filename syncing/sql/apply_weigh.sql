-- How many busy rows ahead of now are stored, and how many of them the staged full round
-- still shows or keeps.
SELECT count(*), count(*) FILTER (
  WHERE staged.provider_event_id IS NOT NULL
     OR stored.provider_event_id IN (SELECT kept.id FROM pg_temp.staged_kept kept)
     OR stored.series_id IN (SELECT kept.id FROM pg_temp.staged_kept kept)
)
FROM public.synced_events stored
LEFT JOIN pg_temp.staged_events staged USING (provider_event_id)
WHERE stored.connection_id = %(connection)s
  AND stored.end_time > %(now)s
  AND stored.status != 'cancelled' AND stored.transparency = 'opaque';
