-- Users sign in: roles of their own, a password or an identity of an OpenID provider. Who has keys only has neither, as before.
-- What a coordinator of the last version inserts stays valid: every new column has a default.

ALTER TABLE users
    ADD COLUMN roles TEXT[] NOT NULL DEFAULT '{}',      -- of whoever signs in; a key has its own
    ADD COLUMN password_hash TEXT,                      -- argon2id; NULL: there is no password
    ADD COLUMN oidc_issuer TEXT,
    ADD COLUMN oidc_subject TEXT,
    ADD COLUMN generation INTEGER NOT NULL DEFAULT 1,   -- sessions of an older one are over
    ADD COLUMN disabled_at TIMESTAMPTZ,
    ADD COLUMN removed_at TIMESTAMPTZ,                  -- the row stays for what bears the name
    ADD COLUMN last_login_at TIMESTAMPTZ,
    ADD CONSTRAINT users_oidc UNIQUE (oidc_issuer, oidc_subject);

ALTER TABLE api_keys
    ADD COLUMN scopes TEXT[] NOT NULL DEFAULT '{}',     -- permissions that the key is bound to; none: all of its role
    ADD COLUMN expires_at TIMESTAMPTZ;
