-- A task that waits for others fails when its deadline passes.

CREATE INDEX idx_tasks_pending_deadline ON tasks (id) WHERE status = 'pending' AND request ? 'deadline';
