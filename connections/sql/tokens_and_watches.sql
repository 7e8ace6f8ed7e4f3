-- What accounts with OAuth tokens and push subscriptions need besides the first columns.
ALTER TABLE public.calendar_connections
  ADD COLUMN token_lease_id            uuid, -- who is refreshing the account's access token
  ADD COLUMN token_lease_expires_at    timestamptz,
  ADD COLUMN reconnect_mailed_at       timestamptz, -- null after a loss of access: a mail is owed
  ADD COLUMN reconnect_mail_not_before timestamptz, -- when it may be tried (again); null: at once
  ADD COLUMN reconnect_mail_tries      integer NOT NULL DEFAULT 0,
  ADD COLUMN webhook_secret_encrypted  text, -- what each notification must carry
  ADD COLUMN webhook_resource_id       text NOT NULL DEFAULT '',
  ADD COLUMN next_watch_at             timestamptz, -- when a watch is to be opened or renewed; null: never
  ADD COLUMN watch_error               text NOT NULL DEFAULT '',
  ADD COLUMN look_again_at             timestamptz; -- a provider's list may lag behind its notification

CREATE INDEX idx_cal_conn_channel ON public.calendar_connections (webhook_channel_id)
  WHERE webhook_channel_id IS NOT NULL;
CREATE INDEX idx_cal_conn_subscription ON public.calendar_connections (webhook_subscription_id)
  WHERE webhook_subscription_id IS NOT NULL;
CREATE INDEX idx_cal_conn_watch_due ON public.calendar_connections (next_watch_at) WHERE is_active;
