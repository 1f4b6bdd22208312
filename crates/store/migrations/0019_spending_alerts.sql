-- The newest of them first.
CREATE INDEX spending_alerts_at ON spending_alerts (tenant, at);
