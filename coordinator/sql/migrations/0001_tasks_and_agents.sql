-- The seed's tables for tasks, dependencies and agents, with what a durable queue needs beside them.
-- Times are timestamptz. Priority 1 is first. An agent's slug is its public id; its UUID stays in here.

CREATE TYPE task_status_enum AS ENUM ('pending', 'queued', 'assigned', 'running', 'completed', 'failed', 'cancelled');
CREATE TYPE agent_status AS ENUM ('online', 'degraded', 'draining', 'offline');

CREATE TABLE users (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    name VARCHAR(64) NOT NULL UNIQUE,
    tenant TEXT NOT NULL DEFAULT 'default',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE api_keys (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES users (id),
    hash TEXT NOT NULL UNIQUE,          -- SHA-256 of the key, which is kept nowhere
    prefix TEXT NOT NULL,
    role TEXT NOT NULL,
    models TEXT[] NOT NULL DEFAULT '{}',
    name VARCHAR(64),
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    revoked_at TIMESTAMPTZ
);

CREATE TABLE login_tickets (
    hash TEXT PRIMARY KEY,
    claims JSONB NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE agents (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    slug TEXT NOT NULL UNIQUE,
    name VARCHAR(255) NOT NULL,
    endpoint VARCHAR(512) NOT NULL,
    model VARCHAR(255),
    specialization VARCHAR(100),
    hardware_config JSONB,
    capabilities JSONB,
    registration JSONB NOT NULL,        -- the whole last registration message
    status agent_status NOT NULL DEFAULT 'offline',
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    last_seen TIMESTAMPTZ,
    removed_at TIMESTAMPTZ              -- forgotten by hand; the row stays for the attempts that name it
);

CREATE TABLE models (
    name TEXT PRIMARY KEY,
    first_seen TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE tasks (
    id UUID PRIMARY KEY,
    tenant TEXT NOT NULL,
    owner TEXT NOT NULL,
    title VARCHAR(255),
    description TEXT,
    priority SMALLINT NOT NULL,
    status task_status_enum NOT NULL,
    assigned_agent_id UUID REFERENCES agents (id),
    created_at TIMESTAMPTZ NOT NULL,    -- when the bus stored it
    started_at TIMESTAMPTZ,
    completed_at TIMESTAMPTZ,
    metadata JSONB NOT NULL DEFAULT '{}',
    sequence BIGINT NOT NULL,           -- of the submit on its stream: the order within a priority
    model TEXT,
    request JSONB,                      -- the TaskRequest; null for what could not be understood
    timeout_seconds DOUBLE PRECISION NOT NULL DEFAULT 600,
    attempts INTEGER NOT NULL DEFAULT 0,
    attempts_allowed INTEGER NOT NULL DEFAULT 3,
    round_number SMALLINT NOT NULL DEFAULT 0,   -- grows with each requeue by hand
    attempt_id UUID,                    -- the one attempt that may decide the task; null while none is open
    pinned_agent TEXT,                  -- assigned by hand: waits for this agent and no other
    not_before TIMESTAMPTZ,             -- back-off of a retry
    output JSONB,
    usage JSONB,
    timings JSONB,
    error_code TEXT,
    error_message TEXT,
    body_hash TEXT,
    traceparent TEXT
);
CREATE INDEX idx_tasks_status ON tasks (status) WHERE status IN ('pending', 'queued', 'assigned', 'running');
CREATE INDEX idx_tasks_priority ON tasks (priority, sequence) WHERE status = 'queued';
CREATE INDEX idx_tasks_newest ON tasks (created_at DESC, id DESC);
CREATE INDEX idx_tasks_owner_newest ON tasks (owner, created_at DESC, id DESC);
CREATE INDEX idx_tasks_dead_letters ON tasks (created_at DESC, id DESC) WHERE status = 'failed';

CREATE TABLE task_dependencies (
    -- Deferred: a batch may hold both, in any order.
    task_id UUID NOT NULL REFERENCES tasks (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    depends_on_task_id UUID NOT NULL REFERENCES tasks (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    PRIMARY KEY (task_id, depends_on_task_id)
);
CREATE INDEX idx_task_dependencies_depends_on ON task_dependencies (depends_on_task_id);

CREATE TABLE attempts (
    id UUID PRIMARY KEY,
    task_id UUID NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    agent_id UUID NOT NULL REFERENCES agents (id),
    instance TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    model TEXT NOT NULL,
    status TEXT NOT NULL,
    offered_at TIMESTAMPTZ NOT NULL,
    started_at TIMESTAMPTZ,
    ended_at TIMESTAMPTZ,
    error_code TEXT,
    error_message TEXT
);
CREATE INDEX idx_attempts_task ON attempts (task_id, number);
CREATE INDEX idx_attempts_open ON attempts (agent_id) WHERE status IN ('offered', 'running');

-- One row: who leads, and how far the streams were read. Every write of a leader updates it, and so checks its epoch.
CREATE TABLE leadership (
    single BOOLEAN PRIMARY KEY DEFAULT true CHECK (single),
    epoch BIGINT NOT NULL DEFAULT 0,
    instance TEXT,
    since TIMESTAMPTZ,
    positions JSONB NOT NULL DEFAULT '{}'
);
INSERT INTO leadership DEFAULT VALUES;

-- Events of one commit, until the bus has acknowledged them.
CREATE TABLE outbox (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    events JSONB NOT NULL
);
