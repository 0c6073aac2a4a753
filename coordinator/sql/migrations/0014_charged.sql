-- By which key, and for which workflow, a task was asked for: what it uses is charged to them (docs/adr/0055).

ALTER TABLE tasks ADD COLUMN key_id UUID, ADD COLUMN workflow_id UUID;

-- A leader of the version before goes on with `new_task` and `commit_turn` while an upgrade is under way: so both stay as they are.
CREATE TYPE charged_task AS (
    id UUID, tenant TEXT, owner TEXT, title TEXT, description TEXT, priority SMALLINT, status task_status_enum, agent TEXT,
    created_at TIMESTAMPTZ, started_at TIMESTAMPTZ, completed_at TIMESTAMPTZ, metadata JSONB, sequence BIGINT, model TEXT, request JSONB,
    timeout_seconds DOUBLE PRECISION, attempts INTEGER, attempts_allowed INTEGER, attempt_id UUID, error_code TEXT, error_message TEXT,
    body_hash TEXT, traceparent TEXT, not_before TIMESTAMPTZ, key_id UUID, workflow_id UUID
);

-- commit_charged_turn is commit_turn but for the two columns of a new task.
DO $$
DECLARE
    before TEXT := pg_get_functiondef('commit_turn'::regproc);
    after TEXT := replace(replace(replace(replace(before, '.commit_turn(', '.commit_charged_turn('),
        'new_tasks new_task[]', 'new_tasks charged_task[]'),
        E'traceparent, not_before\n', E'traceparent, not_before, key_id, workflow_id\n'),
        'n.traceparent, n.not_before', 'n.traceparent, n.not_before, n.key_id, n.workflow_id');
BEGIN
    IF length(after) <> length(before) + length('_charged') + length('charged') - length('new')
            + length(', key_id, workflow_id') + length(', n.key_id, n.workflow_id') THEN
        RAISE EXCEPTION 'commit_turn is not the one that this migration was written for';
    END IF;
    EXECUTE after;
END
$$;
