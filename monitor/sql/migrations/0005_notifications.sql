-- Notifications (docs/adr/0052). The address is sealed with a key that is not in the database (bus/vault.py); `routing` says which alerts.
CREATE TABLE alert_targets (
    name TEXT PRIMARY KEY,
    key_id TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    kind TEXT NOT NULL,
    routing JSONB NOT NULL,
    put_by TEXT NOT NULL,
    put_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

-- One row for each state of an alert that a target is told of, written in one statement with the alert itself. `sent_at`: it was taken.
CREATE TABLE alert_notices (
    target TEXT NOT NULL,
    alert_id UUID NOT NULL,
    state TEXT NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    due_at TIMESTAMPTZ NOT NULL,
    sent_at TIMESTAMPTZ,
    record JSONB NOT NULL,
    PRIMARY KEY (target, alert_id, state)
);
CREATE INDEX idx_alert_notices_unsent ON alert_notices (target, due_at) WHERE sent_at IS NULL;
