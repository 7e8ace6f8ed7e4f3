-- Bookings that the website, or a person, inserts past calsync's own statement, which alone gives a
-- request_fingerprint. Several plain INSERTs of overlapping times at once would wait for each other at
-- the exclusion constraints, in chains that only deadlock_timeout ends; so they come one by one.
-- Where bookings are counted, calsync's own statement takes this lock too.
CREATE FUNCTION calsync.come_one_by_one() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  PERFORM pg_catalog.pg_advisory_xact_lock(
    pg_catalog.hashtextextended('calsync.bookings:' || NEW.user_id, 0));
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION calsync.come_one_by_one() FROM PUBLIC;
CREATE TRIGGER come_one_by_one BEFORE INSERT ON public.bookings
  FOR EACH ROW WHEN (NEW.request_fingerprint = '') EXECUTE FUNCTION calsync.come_one_by_one();
