-- A later page wins: what it removes, or shows again, supersedes what earlier pages showed.
DELETE FROM pg_temp.staged_events e
WHERE EXISTS (SELECT FROM pg_temp.staged_events later
              WHERE later.provider_event_id = e.provider_event_id AND later.page > e.page)
   OR EXISTS (SELECT FROM pg_temp.staged_removals r
              WHERE r.id = e.provider_event_id AND r.page > e.page)
   OR EXISTS (SELECT FROM pg_temp.staged_removals r
              WHERE r.id = e.series_id AND r.page > e.page);
