-- The newest execution of each workflow on a page of them.
CREATE INDEX idx_executions_of_workflow ON executions (workflow_id, created_at DESC, id DESC);
