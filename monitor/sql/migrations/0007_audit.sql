-- The audit log (docs/adr/0062): each record as it was told, and beside it what people look for.
CREATE TABLE audit_records (
    id UUID PRIMARY KEY,
    at TIMESTAMPTZ NOT NULL,
    tenant TEXT NOT NULL,
    sub TEXT NOT NULL,
    action TEXT NOT NULL,
    object_id TEXT,
    result TEXT NOT NULL,
    record JSONB NOT NULL
);
CREATE INDEX idx_audit_records_at ON audit_records (at DESC, id DESC);
CREATE INDEX idx_audit_records_sub ON audit_records (sub, at DESC, id DESC);
CREATE INDEX idx_audit_records_object ON audit_records (object_id, at DESC, id DESC) WHERE object_id IS NOT NULL;
