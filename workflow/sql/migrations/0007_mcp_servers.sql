-- MCP servers that are registered. Arguments, environments and headers are sealed like credentials (workflow/credentials/vault.py).

CREATE TABLE mcp_servers (
    id UUID PRIMARY KEY,
    name TEXT NOT NULL,
    tenant TEXT NOT NULL DEFAULT 'default',
    created_by TEXT NOT NULL,
    transport TEXT NOT NULL,            -- stdio, streamable_http, sse
    endpoint TEXT,
    command TEXT,
    env_names TEXT[] NOT NULL,          -- names alone
    header_names TEXT[] NOT NULL,
    capabilities TEXT[] NOT NULL,
    version TEXT,
    active BOOLEAN NOT NULL,
    trusted BOOLEAN NOT NULL,           -- an administrator gave this address: it may be internal
    sealed BYTEA NOT NULL,
    key_id TEXT NOT NULL,
    revision INTEGER NOT NULL DEFAULT 1, -- grows with each change of the above: what is seen of an older one is not stored
    status TEXT NOT NULL DEFAULT 'connecting',
    reason TEXT,
    tools JSONB NOT NULL DEFAULT '[]',
    server_name TEXT,
    server_version TEXT,
    checked_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (tenant, name)
);
