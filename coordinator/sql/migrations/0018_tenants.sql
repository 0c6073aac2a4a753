-- The newest tasks of a tenant, however many others have. The hive's own tenant pays for no further index.
CREATE INDEX idx_tasks_tenant_newest ON tasks (tenant, created_at DESC, id DESC) WHERE tenant <> 'default';
