-- What every table of calsync stands on: the API roles, one extension, two trigger functions.
-- The private schema "calsync" itself is made before the first migration (connections/apps.py).

-- Supabase has these roles; a plain PostgreSQL gets them. Roles belong to the whole cluster, so
-- another database may be creating them at this very moment.
DO $$
DECLARE
  wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['anon', 'authenticated', 'service_role'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = wanted) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
        IF wanted = 'service_role' THEN
          ALTER ROLE service_role BYPASSRLS;
        END IF;
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL; -- made meanwhile
      END;
    END IF;
  END LOOP;
END
$$;

GRANT USAGE ON SCHEMA public TO anon, authenticated, service_role;
REVOKE ALL ON SCHEMA calsync FROM PUBLIC, anon, authenticated;

-- Exclusion constraints over a uuid need btree_gist; Supabase keeps extensions in their own schema.
DO $$
BEGIN
  IF EXISTS (SELECT FROM pg_namespace WHERE nspname = 'extensions') THEN
    CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA extensions;
  ELSE
    CREATE EXTENSION IF NOT EXISTS btree_gist WITH SCHEMA calsync;
  END IF;
END
$$;

CREATE FUNCTION calsync.touch_updated_at() RETURNS trigger
LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  NEW.updated_at := pg_catalog.now();
  RETURN NEW;
END
$$;
REVOKE ALL ON FUNCTION calsync.touch_updated_at() FROM PUBLIC;
