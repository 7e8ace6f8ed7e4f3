-- A full round removes every row of its calendar that it neither shows nor keeps.
DELETE FROM public.synced_events stored
WHERE stored.connection_id = %(connection)s
  AND NOT EXISTS (SELECT FROM pg_temp.staged_events staged
                  WHERE staged.provider_event_id = stored.provider_event_id)
  AND NOT EXISTS (SELECT FROM pg_temp.staged_kept kept WHERE kept.id = stored.provider_event_id)
  AND NOT EXISTS (SELECT FROM pg_temp.staged_kept kept WHERE kept.id = stored.series_id);
