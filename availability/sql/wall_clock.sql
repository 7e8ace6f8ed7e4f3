-- Wall clock time to instant, in one place for every date and time of a consultant.

-- The name under which AT TIME ZONE finds a zone's rules. It takes these four for abbreviations
-- with a fixed offset, although they are zones with summer time.
CREATE FUNCTION calsync.zone_rules_name(zone text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE zone WHEN 'CET' THEN 'Europe/Brussels' WHEN 'MET' THEN 'Europe/Brussels'
                   WHEN 'EET' THEN 'Europe/Athens' WHEN 'WET' THEN 'Europe/Lisbon' ELSE zone END
$$;
REVOKE ALL ON FUNCTION calsync.zone_rules_name(text) FROM PUBLIC;

-- RFC 5545, 3.3.5: a time that the clocks skip is read with the offset before the gap, a time that
-- they show twice is the first. AT TIME ZONE agrees on the gap but takes the second.
CREATE FUNCTION calsync.wall_clock_to_instant(wall_clock timestamp, zone text) RETURNS timestamptz
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
DECLARE
  rules_name  text        := calsync.zone_rules_name(zone);
  second_time timestamptz := wall_clock AT TIME ZONE rules_name;
  -- No zone has put its clocks back by more than a day, or changed them twice within a day.
  day_before  timestamptz := second_time - interval '24 hours';
  first_time  timestamptz;
BEGIN
  IF day_before AT TIME ZONE rules_name = wall_clock - interval '24 hours' THEN
    RETURN second_time; -- no change: there is but one
  END IF;
  first_time := (wall_clock - (day_before AT TIME ZONE rules_name - day_before AT TIME ZONE 'UTC'))
    AT TIME ZONE 'UTC'; -- with the offset of the day before
  RETURN CASE WHEN first_time AT TIME ZONE rules_name = wall_clock
    THEN first_time ELSE second_time END;
END
$$;
REVOKE ALL ON FUNCTION calsync.wall_clock_to_instant(timestamp, text) FROM PUBLIC;

-- The zone's rules name; an error unless it is a time zone. PostgreSQL also takes abbreviations
-- (CEST) and rules spelled out (Foo/Bar3) for zones; those have no slash or have a digit. So most
-- names need no look at the list, which reads every file of the time zone database.
CREATE FUNCTION calsync.require_time_zone(name text) RETURNS text
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE AS $$
BEGIN
  IF name ~ '^[A-Z][A-Za-z_]*(/[A-Z][A-Za-z_-]*)+$' THEN
    PERFORM pg_catalog.timezone(name, pg_catalog.now()); -- raises 22023 for an unknown one
  ELSIF name <> 'UTC' AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_timezone_names z WHERE z.name = require_time_zone.name) THEN
    RAISE invalid_parameter_value USING MESSAGE = format('time zone "%s" not recognized', name);
  END IF;
  RETURN calsync.zone_rules_name(name);
END
$$;
REVOKE ALL ON FUNCTION calsync.require_time_zone(text) FROM PUBLIC;
