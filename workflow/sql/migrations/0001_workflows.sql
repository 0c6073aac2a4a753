-- The seed's tables for workflows and executions, with what durability needs beside them. Times are timestamptz.
-- They refer to no table of the coordinator: the engine may be the first to start.

CREATE TABLE workflows (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name VARCHAR(255) NOT NULL,
    description TEXT,
    n8n_id TEXT,                        -- the document's own id, by which other workflows may call it
    n8n_data JSON NOT NULL,             -- as given; json and not jsonb, so that nothing of it is lost or reordered
    mcp_tools JSONB,
    created_by TEXT NOT NULL,
    tenant TEXT NOT NULL DEFAULT 'default',
    claims JSONB NOT NULL,              -- of whoever saved it last: its tasks have their rights
    version INTEGER NOT NULL DEFAULT 1,
    active BOOLEAN NOT NULL DEFAULT false,
    static_data BYTEA,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX idx_workflows_n8n_id ON workflows (n8n_id);
CREATE INDEX idx_workflows_created ON workflows (created_at, id);

CREATE TABLE workflow_versions (
    workflow_id UUID NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    name VARCHAR(255) NOT NULL,
    n8n_data JSON NOT NULL,
    created_by TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (workflow_id, version)
);

-- Which active workflow a call reaches. One path and method has one owner.
CREATE TABLE workflow_webhooks (
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    workflow_id UUID NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    node TEXT NOT NULL,
    PRIMARY KEY (method, path)
);

-- The next due time of each schedule node of an active workflow; moved in the transaction that makes the execution.
CREATE TABLE workflow_schedules (
    workflow_id UUID NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    node TEXT NOT NULL,
    next_due TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (workflow_id, node)
);
CREATE INDEX idx_workflow_schedules_due ON workflow_schedules (next_due);

-- Engines that live. One whose word is older than the lease has lost its executions to whoever takes them.
CREATE TABLE workflow_engines (
    id UUID PRIMARY KEY,
    seen_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE executions (
    id UUID PRIMARY KEY,
    workflow_id UUID REFERENCES workflows (id) ON DELETE SET NULL,
    workflow_version INTEGER NOT NULL DEFAULT 0,
    document JSON,                      -- of a sub-workflow that was given in a node; else the version's
    status TEXT NOT NULL,               -- n8n's words: new, running, waiting, success, error, canceled
    mode TEXT NOT NULL,
    created_by TEXT NOT NULL,
    claims JSONB NOT NULL,
    input_data JSONB,
    output_data JSONB,
    error_message TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    started_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    frame BYTEA NOT NULL,               -- JSON of all but its runs (workflow/core/codec.py)
    revision INTEGER NOT NULL,          -- grows with each save; a save of another revision loses
    owner UUID,                         -- the engine that goes on with it; null while it waits for long, and at its end
    epoch INTEGER NOT NULL DEFAULT 0,   -- grows with each takeover
    wake_at TIMESTAMPTZ,                -- when a waiting one goes on by itself
    told BOOLEAN NOT NULL DEFAULT false -- its end was published
);
CREATE INDEX idx_executions_workflow_status ON executions (workflow_id, status);
CREATE INDEX idx_executions_created ON executions (created_at, id);
CREATE INDEX idx_executions_unfinished ON executions (owner, wake_at) WHERE status IN ('new', 'running', 'waiting');
CREATE INDEX idx_executions_untold ON executions (completed_at) WHERE completed_at IS NOT NULL AND NOT told;

-- What nodes gave, in the pieces in which it was saved: only ever added.
CREATE TABLE execution_runs (
    execution_id UUID NOT NULL REFERENCES executions (id) ON DELETE CASCADE,
    first_index INTEGER NOT NULL,
    runs BYTEA NOT NULL,
    PRIMARY KEY (execution_id, first_index)
);
