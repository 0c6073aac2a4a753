-- The newest tasks of one agent, which its page and the timeline ask for: without it they read all newer ones of the others.
CREATE INDEX idx_tasks_agent_newest ON tasks (assigned_agent_id, created_at DESC, id DESC) WHERE assigned_agent_id IS NOT NULL;
