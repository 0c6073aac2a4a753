-- What is known of an agent beside its last word: how it was found, how fast it is, and what people ordered about it.

-- The seed's health checks, one every ten seconds, for as long as HIVE_RETAIN_HEALTH_HOURS says.
CREATE TABLE agent_health (
    slug TEXT NOT NULL,
    checked_at TIMESTAMPTZ NOT NULL,
    found JSONB NOT NULL,
    PRIMARY KEY (slug, checked_at)
);
CREATE INDEX idx_agent_health_age ON agent_health (checked_at);

-- What was measured of an agent's attempts: how fast each model is, and how reliable the agent. A new leader goes on from here.
CREATE TABLE agent_tracks (
    slug TEXT PRIMARY KEY,
    track JSONB NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

CREATE TABLE agent_benchmarks (
    id UUID PRIMARY KEY,
    slug TEXT NOT NULL,
    model TEXT NOT NULL,
    hardware TEXT NOT NULL,             -- what it was measured on: measured again when that is another
    status TEXT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    record JSONB NOT NULL
);
CREATE INDEX idx_agent_benchmarks_newest ON agent_benchmarks (slug, started_at DESC);
CREATE INDEX idx_agent_benchmarks_running ON agent_benchmarks (started_at) WHERE status = 'running';

-- What a person ordered: it holds until it is taken back, whatever is started again meanwhile.
CREATE TABLE agent_orders (
    slug TEXT PRIMARY KEY,
    drain JSONB,
    labels JSONB NOT NULL DEFAULT '{}'
);

CREATE TABLE maintenance_windows (
    id UUID PRIMARY KEY,
    starts_at TIMESTAMPTZ NOT NULL,
    ends_at TIMESTAMPTZ NOT NULL,
    record JSONB NOT NULL,
    announced TEXT,                     -- the last phase that was told
    cancelled_at TIMESTAMPTZ
);
CREATE INDEX idx_maintenance_windows_newest ON maintenance_windows (starts_at DESC, id DESC);
