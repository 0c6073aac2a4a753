-- Tasks that are submitted at each due time of a cron expression (coordinator/schedules/schedule.py).
CREATE TABLE schedules (
    id UUID PRIMARY KEY,
    tenant TEXT NOT NULL,
    owner TEXT NOT NULL,
    claims JSONB NOT NULL,              -- whose rights its tasks have: those of the key that it was made with
    name VARCHAR(100) NOT NULL,
    cron VARCHAR(255) NOT NULL,
    time_zone VARCHAR(64) NOT NULL,
    request JSONB NOT NULL,             -- the TaskRequest
    enabled BOOLEAN NOT NULL,
    catch_up TEXT NOT NULL,
    overlap TEXT NOT NULL,
    starts_at TIMESTAMPTZ,
    ends_at TIMESTAMPTZ,
    next_due TIMESTAMPTZ,               -- null while it is paused, and when no time is left
    last_due TIMESTAMPTZ,
    last_task_id UUID,                  -- no reference: retention deletes tasks and leaves schedules
    problem JSONB,                      -- why the last due time brought no task
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    UNIQUE (tenant, owner, name)
);
CREATE INDEX idx_schedules_due ON schedules (next_due) WHERE next_due IS NOT NULL;
CREATE INDEX idx_schedules_newest ON schedules (created_at DESC, id DESC);
