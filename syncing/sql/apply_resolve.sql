-- A later page wins: what it shows again, or removes by id or series, supersedes earlier pages.
DELETE FROM pg_temp.staged_events e USING pg_temp.staged_events later
WHERE later.provider_event_id = e.provider_event_id AND later.page > e.page;

DELETE FROM pg_temp.staged_events e USING pg_temp.staged_removals r
WHERE r.id = e.provider_event_id AND r.page > e.page;

DELETE FROM pg_temp.staged_events e USING pg_temp.staged_removals r
WHERE r.id = e.series_id AND r.page > e.page;

-- Whatever the planner believes of a calendar it has no statistics of, comparing stays n log n.
CREATE UNIQUE INDEX ON pg_temp.staged_events (provider_event_id);
ANALYZE pg_temp.staged_events;
