-- Hosts that were removed, by the name that they had last, and what else they spoke for: one behind a leaf can still be heard.
CREATE TABLE removed_hosts (
    name TEXT PRIMARY KEY,
    agents TEXT[] NOT NULL DEFAULT '{}',
    removed_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
