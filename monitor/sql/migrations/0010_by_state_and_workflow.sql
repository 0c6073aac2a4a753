-- The few that are not over are found among the many that are: pages ask for them again and again.
CREATE INDEX idx_alerts_state ON alerts (state, changed_at DESC);
DROP INDEX idx_alerts_changed_at;

-- For quotas of workflows, as idx_usage_days_key.
CREATE INDEX idx_usage_days_workflow ON usage_days (workflow_id, day) WHERE workflow_id IS NOT NULL;
