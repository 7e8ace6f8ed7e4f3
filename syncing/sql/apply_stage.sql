-- Where a round waits to be compared with the stored rows.
DROP TABLE IF EXISTS pg_temp.staged_events, pg_temp.staged_removals, pg_temp.staged_kept;
CREATE TEMPORARY TABLE staged_events (
  page                integer NOT NULL,
  provider_event_id   text NOT NULL,
  series_id           text NOT NULL,
  title               text,
  start_time          timestamptz NOT NULL,
  end_time            timestamptz NOT NULL,
  is_all_day          boolean NOT NULL,
  start_date          date,
  end_date            date,
  status              text NOT NULL,
  transparency        text NOT NULL,
  booking_id          uuid,
  provider_updated_at timestamptz,
  problem             text NOT NULL,
  floats_in           text NOT NULL,
  raw_data            jsonb NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE staged_removals (page integer NOT NULL, id text NOT NULL) ON COMMIT DROP;
CREATE TEMPORARY TABLE staged_kept (id text NOT NULL) ON COMMIT DROP;
