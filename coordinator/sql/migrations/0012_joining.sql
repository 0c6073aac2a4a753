-- Which hive this is, the tokens by which hosts join it, and the hosts that did.

ALTER TABLE leadership ADD COLUMN hive_id UUID NOT NULL DEFAULT gen_random_uuid();

CREATE TABLE join_tokens (
    id UUID PRIMARY KEY,
    hash TEXT NOT NULL UNIQUE,          -- SHA-256 of the token, which is kept nowhere
    name VARCHAR(64),
    labels JSONB NOT NULL DEFAULT '{}',
    uses_allowed INTEGER NOT NULL,
    uses INTEGER NOT NULL DEFAULT 0,
    created_by TEXT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL,
    revoked_at TIMESTAMPTZ
);
CREATE INDEX idx_join_tokens_newest ON join_tokens (created_at DESC, id DESC);

CREATE TABLE joined_hosts (
    key TEXT PRIMARY KEY,               -- public: what the host is known again by
    name TEXT NOT NULL UNIQUE,
    labels JSONB NOT NULL DEFAULT '{}',
    token_id UUID NOT NULL,             -- of the last join; the token may be deleted by now
    joined_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX idx_joined_hosts_token ON joined_hosts (token_id);
