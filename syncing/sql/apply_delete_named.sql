-- An incremental round removes the rows it names, by id or by series, and does not show again.
DELETE FROM public.synced_events stored
USING (
  SELECT named.id
  FROM pg_temp.staged_removals removal
  JOIN public.synced_events named
    ON named.connection_id = %(connection)s AND named.provider_event_id = removal.id
  UNION
  SELECT named.id
  FROM pg_temp.staged_removals removal
  JOIN public.synced_events named
    ON named.connection_id = %(connection)s AND named.series_id = removal.id
) gone
WHERE stored.id = gone.id
  AND NOT EXISTS (SELECT FROM pg_temp.staged_events staged
                  WHERE staged.provider_event_id = stored.provider_event_id);
