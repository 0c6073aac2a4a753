-- What a provider gave for a credential that a person connected, sealed like the credential itself, and the connecting that is under way.

CREATE TABLE credential_tokens (
    credential_id UUID PRIMARY KEY REFERENCES credentials ON DELETE CASCADE,
    sealed BYTEA NOT NULL,              -- access and refresh token
    key_id TEXT NOT NULL,
    version BIGINT NOT NULL DEFAULT 1,  -- rises with every token; a refresh stores over the one that it began with alone
    expires_at TIMESTAMPTZ,             -- of the access token; NULL: the provider did not say
    refreshable BOOLEAN NOT NULL,
    refreshing_by UUID,                 -- who asks for the next one, so that nobody else does
    refreshing_until TIMESTAMPTZ,
    connected_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE TABLE credential_connects (
    state_hash TEXT PRIMARY KEY,        -- the state itself is with the browser alone
    credential_id UUID NOT NULL REFERENCES credentials ON DELETE CASCADE,
    begun_by TEXT NOT NULL,
    tenant TEXT NOT NULL,
    sealed BYTEA NOT NULL,              -- the code verifier and the redirect address
    key_id TEXT NOT NULL,
    expires_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX idx_credential_connects_credential ON credential_connects (credential_id);
