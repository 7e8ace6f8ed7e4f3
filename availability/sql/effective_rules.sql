-- What applies to one question about free time: the meeting type's values, else the consultant's
-- defaults, and what the data of the calendars allow.

CREATE TYPE calsync.effective_rules AS (
  consultant        uuid,
  time_zone         text,        -- as AT TIME ZONE knows it
  duration          interval,
  buffer_before     interval,
  buffer_after      interval,
  slot_interval     interval,
  daily_limit       integer,
  weekly_limit      integer,
  earliest          timestamptz, -- the first start that the minimum notice allows
  window_end        timestamptz, -- the end of the last bookable date
  connections       uuid[],      -- the calendars that block time,
  ignores_tentative uuid[],      -- those of them whose tentative events do not,
  data_as_of        timestamptz, -- when the one longest unread was read,
  covered_from      timestamptz, -- and what all of them were read for. Without a calendar that
  covered_until     timestamptz, -- blocks time these are infinite.
  data_state        text         -- fresh | stale | closed: no ground to offer anything
);

-- Free or not is decided on these. Raises 22023 for values that nothing can be offered for.
CREATE FUNCTION calsync.effective_rules(
  consultant uuid, meeting_type uuid, slot_duration integer, buffer integer, asked_at timestamptz)
RETURNS calsync.effective_rules LANGUAGE plpgsql STABLE AS $$
DECLARE
  rules     calsync.effective_rules;
  defaults  public.booking_settings;
  meeting   public.meeting_types;
  calendars record;
  max_age   integer;
BEGIN
  IF slot_duration NOT BETWEEN 5 AND 1440 THEN
    RAISE invalid_parameter_value USING MESSAGE = 'slot_duration must be from 5 to 1440 minutes';
  ELSIF buffer NOT BETWEEN 0 AND 1440 THEN
    RAISE invalid_parameter_value USING MESSAGE = 'buffer must be from 0 to 1440 minutes';
  END IF;
  SELECT * INTO STRICT defaults FROM public.booking_settings s WHERE s.user_id = consultant;
  IF meeting_type IS NOT NULL THEN
    SELECT * INTO STRICT meeting FROM public.meeting_types m
      WHERE m.id = meeting_type AND m.user_id = consultant;
  END IF;
  SELECT array_agg(c.id) AS ids,
         array_agg(c.id) FILTER (WHERE NOT c.tentative_blocks) AS ignore_tentative,
         -- A calendar that was never read covers nothing.
         min(coalesce(c.last_synced_at, '-infinity')) AS data_as_of,
         max(coalesce(c.synced_from, 'infinity')) AS covered_from,
         min(coalesce(c.synced_until, '-infinity')) AS covered_until
    INTO calendars
    FROM public.calendar_connections c
    WHERE c.user_id = consultant AND c.is_active AND c.blocks_time;

  rules.consultant := consultant;
  rules.time_zone := calsync.zone_rules_name(defaults.time_zone);
  rules.duration := make_interval(
    mins => coalesce(slot_duration, meeting.duration, defaults.duration));
  rules.buffer_before := make_interval(
    mins => coalesce(buffer, meeting.buffer_before, defaults.buffer_before));
  rules.buffer_after := make_interval(
    mins => coalesce(buffer, meeting.buffer_after, defaults.buffer_after));
  rules.slot_interval := coalesce(
    make_interval(mins => coalesce(meeting.slot_interval, defaults.slot_interval)), rules.duration);
  rules.daily_limit := coalesce(meeting.daily_limit, defaults.daily_limit);
  rules.weekly_limit := coalesce(meeting.weekly_limit, defaults.weekly_limit);
  rules.earliest := asked_at + make_interval(
    mins => coalesce(meeting.minimum_notice, defaults.minimum_notice));
  rules.window_end := calsync.wall_clock_to_instant(
    date_trunc('day', asked_at AT TIME ZONE rules.time_zone) + make_interval(
      days => 1 + coalesce(meeting.booking_window, defaults.booking_window)), rules.time_zone);
  rules.connections := coalesce(calendars.ids, '{}');
  rules.ignores_tentative := coalesce(calendars.ignore_tentative, '{}');
  rules.data_as_of := coalesce(calendars.data_as_of, 'infinity');
  rules.covered_from := coalesce(calendars.covered_from, '-infinity');
  rules.covered_until := coalesce(calendars.covered_until, 'infinity');
  max_age := coalesce(
    defaults.max_data_age, (SELECT i.max_data_age_minutes FROM calsync.installation i));
  rules.data_state := CASE
    WHEN rules.covered_until <= asked_at THEN 'closed'
    WHEN rules.data_as_of >= asked_at - make_interval(mins => max_age) THEN 'fresh'
    WHEN defaults.stale_policy = 'close' THEN 'closed'
    ELSE 'stale' END;
  RETURN rules;
END
$$;
REVOKE ALL ON FUNCTION
  calsync.effective_rules(uuid, uuid, integer, integer, timestamptz) FROM PUBLIC;
