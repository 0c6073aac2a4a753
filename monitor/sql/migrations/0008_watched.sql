-- What the watch saw of what agents do not measure themselves, for dry runs (docs/adr/0067). A page has what changed since the page
-- before it; a whole one has everything. {"queue": {"high": {"waiting": 3}}, "model": {"smollm2": null}}: null, it is gone.

CREATE TABLE watched (
    timestamp TIMESTAMPTZ PRIMARY KEY,
    whole BOOLEAN NOT NULL,
    told JSONB NOT NULL
);
CREATE INDEX idx_watched_whole ON watched (timestamp) WHERE whole;
