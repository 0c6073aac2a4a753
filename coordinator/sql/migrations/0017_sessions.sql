-- Sessions of people, the refresh tokens of each, and the keys that sign access tokens.

CREATE TABLE sessions (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    user_id UUID NOT NULL REFERENCES users (id),
    generation INTEGER NOT NULL,        -- the user's when it began
    browser TEXT,                       -- of the dashboard, hashed; NULL: refresh tokens
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    expires_at TIMESTAMPTZ NOT NULL,
    ended_at TIMESTAMPTZ
);
CREATE INDEX sessions_ended ON sessions (user_id, ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX sessions_by_browser ON sessions (browser) WHERE browser IS NOT NULL;
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    hash TEXT PRIMARY KEY,              -- SHA-256 of the token, which is kept nowhere
    session_id UUID NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    used_at TIMESTAMPTZ                 -- one that comes again after that ends its session
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

CREATE TABLE signing_keys (
    kid TEXT PRIMARY KEY,
    jwk JSONB NOT NULL,                 -- the public half
    sealed BYTEA NOT NULL,              -- the private half (bus/vault.py)
    key_id TEXT NOT NULL,               -- the key that it is sealed with
    created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
