-- How many executions of workflows ended, by status: one counter for all monitors (docs/adr/0072). Each end is in usage_counted, as those of tasks.

CREATE TABLE executions_ended (
    status TEXT PRIMARY KEY,
    ended BIGINT NOT NULL
);

-- Each change of an alert, as the alert was then, for as long as the alert itself is kept (docs/adr/0042).

CREATE TABLE alert_changes (
    alert_id UUID NOT NULL REFERENCES alerts ON DELETE CASCADE,
    rank INTEGER NOT NULL,
    record JSONB NOT NULL,
    PRIMARY KEY (alert_id, rank)
);
INSERT INTO alert_changes SELECT id, (record ->> 'rank')::int, record FROM alerts;
