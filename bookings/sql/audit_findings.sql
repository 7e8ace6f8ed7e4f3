-- What audit_invariants() found when it was last asked, and since when.
CREATE TABLE calsync.audit_findings (
  id        uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  invariant text NOT NULL,
  subject   uuid NOT NULL,
  user_id   uuid REFERENCES calsync.consultants ON DELETE CASCADE, -- whom it concerns; null: nobody is known
  detail    text NOT NULL,
  found_at  timestamptz NOT NULL, -- first, without having been absent since
  CONSTRAINT audit_findings_once UNIQUE (invariant, subject)
);
CREATE INDEX idx_audit_findings_user ON calsync.audit_findings (user_id);

-- The invariants with their consultants, each subject once.
CREATE FUNCTION calsync.audited()
RETURNS TABLE (invariant text, subject uuid, user_id uuid, detail text)
LANGUAGE sql STABLE AS $$
  SELECT a.invariant, a.subject,
         coalesce(b.user_id, c.user_id,
                  (SELECT o.user_id FROM public.calendar_connections o WHERE o.id = e.connection_id)),
         string_agg(DISTINCT a.detail, '; ' ORDER BY a.detail)
  FROM public.audit_invariants() a
  LEFT JOIN public.bookings b ON b.id = a.subject
  LEFT JOIN public.calendar_connections c ON c.id = a.subject
  LEFT JOIN public.synced_events e ON e.id = a.subject
  GROUP BY a.invariant, a.subject, b.user_id, c.user_id, e.connection_id
$$;
REVOKE ALL ON FUNCTION calsync.audited() FROM PUBLIC;
