-- A user's quota is that of a person of one tenant. A key's id is one in all tenants, and stands under `default`.
ALTER TABLE quotas
    ADD COLUMN tenant TEXT NOT NULL DEFAULT 'default',
    DROP CONSTRAINT quotas_pkey,
    ADD PRIMARY KEY (tenant, kind, name, unit, period);
