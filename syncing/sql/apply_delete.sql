-- A full round removes every row it does not show; an incremental one what it names, by id or series.
DELETE FROM public.synced_events stored
WHERE stored.connection_id = %(connection)s
  AND (%(is_full)s
       OR stored.provider_event_id IN (SELECT id FROM pg_temp.staged_removals)
       OR stored.series_id IN (SELECT id FROM pg_temp.staged_removals))
  AND NOT EXISTS (SELECT FROM pg_temp.staged_events staged
                  WHERE staged.provider_event_id = stored.provider_event_id);
