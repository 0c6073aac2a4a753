-- The seed's agent_metrics, cut by time (docs/adr/0038), and what it is rolled up to. They refer to no table of the coordinator: the
-- monitor may be the first to start. Partitions are made and dropped by monitor/upkeep.py.

CREATE TABLE agent_metrics (
    agent_id TEXT NOT NULL,             -- the agent's public id
    timestamp TIMESTAMPTZ NOT NULL,     -- when the bus stored it: one clock for all hosts
    metrics JSONB NOT NULL,             -- PerformanceMetrics; what could not be read is not there
    CONSTRAINT idx_agent_metrics_agent_timestamp PRIMARY KEY (agent_id, timestamp)
) PARTITION BY RANGE (timestamp);
CREATE INDEX idx_agent_metrics_timestamp ON agent_metrics USING brin (timestamp);

-- {"cpu_usage": {"min": 1, "mean": 2, "max": 3, "n": 12}, …}; `timestamp` is where the minute, or the hour, begins.
CREATE TABLE agent_metrics_minutes (
    agent_id TEXT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    metrics JSONB NOT NULL,
    PRIMARY KEY (agent_id, timestamp)
) PARTITION BY RANGE (timestamp);
CREATE INDEX idx_agent_metrics_minutes_timestamp ON agent_metrics_minutes USING brin (timestamp);

CREATE TABLE agent_metrics_hours (
    agent_id TEXT NOT NULL,
    timestamp TIMESTAMPTZ NOT NULL,
    metrics JSONB NOT NULL,
    PRIMARY KEY (agent_id, timestamp)
) PARTITION BY RANGE (timestamp);
CREATE INDEX idx_agent_metrics_hours_timestamp ON agent_metrics_hours USING brin (timestamp);

-- How far a stream was read. Another `created_at`: the bus has lost that stream and made it anew, and counts from 1 again.
CREATE TABLE monitor_positions (
    stream TEXT PRIMARY KEY,
    created_at TIMESTAMPTZ NOT NULL,
    position BIGINT NOT NULL,
    stored_at TIMESTAMPTZ NOT NULL
);

-- Up to where a table is complete.
CREATE TABLE monitor_rolled (
    rolled TEXT PRIMARY KEY,
    until TIMESTAMPTZ NOT NULL
);
