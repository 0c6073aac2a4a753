-- Secrets that nodes use. Nothing of `data` is readable here: it is sealed with a key that is not in the database (workflow/credentials/vault.py).

CREATE TABLE credentials (
    id UUID PRIMARY KEY,
    name TEXT NOT NULL,
    type TEXT NOT NULL,                 -- n8n's: httpHeaderAuth, postgres, …
    n8n_id TEXT,                        -- the id that it had in n8n, by which imported workflows name it
    created_by TEXT NOT NULL,           -- the owner: executions that run with their rights may use it
    tenant TEXT NOT NULL DEFAULT 'default',
    shared BOOLEAN NOT NULL DEFAULT false,
    fields TEXT[] NOT NULL,             -- names alone
    sealed BYTEA NOT NULL,
    key_id TEXT NOT NULL,               -- which key sealed it
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (tenant, created_by, type, name)
);
CREATE INDEX idx_credentials_n8n_id ON credentials (n8n_id);
