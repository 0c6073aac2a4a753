-- What was used, in days of UTC (docs/adr/0055), how much may be, and how fast hosts were.

CREATE TABLE usage_days (
    day DATE NOT NULL,
    tenant TEXT NOT NULL,
    owner TEXT NOT NULL,
    key_id UUID,
    model TEXT,
    workflow_id UUID,
    tasks BIGINT NOT NULL,
    prompt_tokens BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    seconds DOUBLE PRECISION NOT NULL,
    watt_hours DOUBLE PRECISION,        -- null: no card told its power
    CONSTRAINT usage_days_one UNIQUE NULLS NOT DISTINCT (day, tenant, owner, key_id, model, workflow_id)
);
CREATE INDEX idx_usage_days_owner ON usage_days (owner, day);
CREATE INDEX idx_usage_days_key ON usage_days (key_id, day) WHERE key_id IS NOT NULL;

-- Ends that are in usage_days already: an event that its sender repeats after the bus has forgotten its id is counted once.
CREATE TABLE usage_counted (
    event_id TEXT PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL
);
CREATE INDEX idx_usage_counted_at ON usage_counted USING brin (at);

CREATE TABLE agent_speed_hours (
    hour TIMESTAMPTZ NOT NULL,
    agent_id TEXT NOT NULL,
    model TEXT NOT NULL,
    tokens BIGINT NOT NULL,
    generation_seconds DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (agent_id, model, hour)
);
CREATE INDEX idx_agent_speed_hours_hour ON agent_speed_hours (hour);

CREATE TABLE quotas (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    unit TEXT NOT NULL,
    period TEXT NOT NULL,
    most DOUBLE PRECISION NOT NULL,
    set_by TEXT NOT NULL,
    set_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    told_share DOUBLE PRECISION NOT NULL DEFAULT 0,     -- what was told of it, in the day or month that began then
    told_since TIMESTAMPTZ,
    PRIMARY KEY (kind, name, unit, period)
);
