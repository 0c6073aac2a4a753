-- A name is one person's within a tenant only. The hive's own tenant pays for no further index.
ALTER TABLE users DROP CONSTRAINT users_name_key, ADD UNIQUE (tenant, name);
CREATE INDEX idx_tasks_tenant_newest ON tasks (tenant, created_at DESC, id DESC) WHERE tenant <> 'default';
