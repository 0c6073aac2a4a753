-- Alerts (docs/adr/0042). One row from a firing to its end; `told` says whether the event of its last change is on the bus.

CREATE TABLE alerts (
    id UUID PRIMARY KEY,
    rule TEXT NOT NULL,
    entity TEXT NOT NULL,
    severity TEXT NOT NULL,
    state TEXT NOT NULL,
    fired_at TIMESTAMPTZ NOT NULL,
    changed_at TIMESTAMPTZ NOT NULL,
    told BOOLEAN NOT NULL DEFAULT false,
    record JSONB NOT NULL
);
CREATE INDEX idx_alerts_rule_entity ON alerts (rule, entity, fired_at DESC);
CREATE INDEX idx_alerts_changed_at ON alerts (changed_at DESC);
CREATE INDEX idx_alerts_untold ON alerts (changed_at) WHERE NOT told;

-- The rules that somebody put; no row: those of the file, or the defaults.
CREATE TABLE alert_rules (
    single BOOLEAN PRIMARY KEY DEFAULT true CHECK (single),
    rules JSONB NOT NULL,
    put_by TEXT NOT NULL,
    put_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE alert_silences (
    id UUID PRIMARY KEY,
    ends_at TIMESTAMPTZ NOT NULL,
    record JSONB NOT NULL
);
