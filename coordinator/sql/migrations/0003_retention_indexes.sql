-- Retention looks every 30 s for what ended before a time: by index, not by reading every task that is kept.
CREATE INDEX idx_tasks_ended ON tasks (completed_at) WHERE completed_at IS NOT NULL;
-- Of those, the ones whose prompt or output is still there: without this each look would read again all that were blanked long ago.
CREATE INDEX idx_tasks_text ON tasks (completed_at) WHERE completed_at IS NOT NULL AND (request IS NOT NULL OR output IS NOT NULL);
