-- The story of each sync run. It outlives its connection.
CREATE TABLE public.sync_logs (
  id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  connection_id    uuid REFERENCES public.calendar_connections ON DELETE SET NULL,
  operation        text NOT NULL,
  status           text NOT NULL DEFAULT 'started' CHECK (status IN ('started', 'completed', 'failed')),
  events_processed integer NOT NULL DEFAULT 0,
  events_created   integer NOT NULL DEFAULT 0,
  events_updated   integer NOT NULL DEFAULT 0,
  events_deleted   integer NOT NULL DEFAULT 0,
  error_message    text,
  duration_ms      integer,
  metadata         jsonb,
  created_at       timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX idx_sync_logs_connection ON public.sync_logs (connection_id, created_at DESC);
CREATE INDEX idx_sync_logs_created ON public.sync_logs (created_at);

ALTER TABLE public.sync_logs ENABLE ROW LEVEL SECURITY;
REVOKE ALL ON public.sync_logs FROM PUBLIC, anon, authenticated;
GRANT ALL ON public.sync_logs TO service_role;
GRANT SELECT ON public.sync_logs TO authenticated;
CREATE POLICY own_rows ON public.sync_logs FOR SELECT TO authenticated
  USING (EXISTS (SELECT FROM public.calendar_connections c WHERE c.id = connection_id
    AND c.user_id = (SELECT (nullif(current_setting('request.jwt.claims', true), '')::json ->> 'sub')::uuid)));
