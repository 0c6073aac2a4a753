-- Texts with their vectors, as the in-memory vector store of workflows keeps them: small, searched by reading a whole store.

CREATE TABLE workflow_documents (
    tenant TEXT NOT NULL,
    owner TEXT NOT NULL,                -- whose executions find it
    store TEXT NOT NULL,
    id TEXT NOT NULL,                   -- of the effect that added it, so that one which is repeated adds nothing
    text TEXT NOT NULL,
    metadata JSONB NOT NULL,
    vector BYTEA NOT NULL,              -- numbers of 32 bits, little-endian
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant, owner, store, id)
);
