-- By which key, and for which workflow, a task was asked for: what it uses is charged to them (docs/adr/0055).

ALTER TABLE tasks ADD COLUMN key_id UUID, ADD COLUMN workflow_id UUID;
ALTER TYPE new_task ADD ATTRIBUTE key_id UUID, ADD ATTRIBUTE workflow_id UUID;

-- commit_turn stays as it is but for the two columns of a new task.
DO $$
DECLARE
    before TEXT := pg_get_functiondef('commit_turn'::regproc);
    after TEXT := replace(replace(before, E'traceparent, not_before\n', E'traceparent, not_before, key_id, workflow_id\n'),
        'n.traceparent, n.not_before', 'n.traceparent, n.not_before, n.key_id, n.workflow_id');
BEGIN
    IF length(after) <> length(before) + length(', key_id, workflow_id') + length(', n.key_id, n.workflow_id') THEN
        RAISE EXCEPTION 'commit_turn is not the one that this migration was written for';
    END IF;
    EXECUTE after;
END
$$;
