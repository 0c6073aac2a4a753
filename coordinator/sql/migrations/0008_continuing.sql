-- An attempt goes on from what earlier ones wrote; a task may wait for its time.
--
-- Of a task that has not ended, `output` and `usage` are what its attempts have written so far, where the next one goes on from it.

ALTER TABLE attempts ADD COLUMN begins_at INTEGER NOT NULL DEFAULT 0;
ALTER TYPE task_end ADD ATTRIBUTE begins_at INTEGER;
ALTER TYPE attempt_end ADD ATTRIBUTE begins_at INTEGER;
ALTER TYPE task_retry ADD ATTRIBUTE replaces_output BOOLEAN, ADD ATTRIBUTE output JSONB, ADD ATTRIBUTE usage JSONB;
ALTER TYPE new_task ADD ATTRIBUTE not_before TIMESTAMPTZ;

DROP FUNCTION commit_turn;
CREATE FUNCTION commit_turn(
    leader_epoch BIGINT, read_positions JSONB, turn_time TIMESTAMPTZ, sent_outbox BIGINT[],
    ended_tasks task_end[], retried_tasks task_retry[], new_tasks new_task[], new_dependencies new_dependency[],
    first_attempts new_attempt[], placed_attempts new_attempt[], running_attempts attempt_key[], failed_tasks task_failure[],
    ended_attempts attempt_end[], partial_outputs partial_output[], new_facts fact[],
    OUT holds BOOLEAN,              -- false: another leader has taken a higher epoch, and nothing was written
    OUT outbox_id BIGINT,
    OUT lost_tasks UUID[],          -- whose row decided otherwise: none of their facts are kept
    OUT given_ids UUID[],           -- of placed_attempts, with the requests in the same order
    OUT given_requests TEXT[],
    OUT given_outputs TEXT[],       -- what earlier attempts wrote, and what writing it took; null where they wrote nothing
    OUT given_usages TEXT[]
) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    touched UUID[];
BEGIN
    lost_tasks := '{}';
    -- The row stays locked until the commit: who takes a higher epoch waits for this turn, or this turn sees it.
    UPDATE leadership SET positions = read_positions WHERE epoch = leader_epoch;
    holds := FOUND;
    IF NOT holds THEN
        RETURN;
    END IF;

    IF cardinality(ended_tasks) > 0 THEN
        WITH ended AS (
            UPDATE tasks SET status = e.status, completed_at = turn_time, output = coalesce(e.output, tasks.output), usage = coalesce(e.usage, tasks.usage), timings = e.timings,
                error_code = e.error_code, error_message = e.error_message, attempt_id = NULL
            FROM unnest(ended_tasks) e
            WHERE tasks.id = e.id AND tasks.attempt_id = e.attempt_id AND tasks.status IN ('assigned', 'running')
            RETURNING tasks.id
        )
        SELECT array_agg(ended.id) INTO touched FROM ended;
        IF cardinality(touched) IS DISTINCT FROM cardinality(ended_tasks) THEN
            lost_tasks := lost_tasks || ARRAY(SELECT e.id FROM unnest(ended_tasks) e WHERE e.id <> ALL (coalesce(touched, '{}')));
        END IF;
        UPDATE attempts SET status = 'completed', ended_at = turn_time, begins_at = coalesce(e.begins_at, 0)
        FROM unnest(ended_tasks) e
        WHERE attempts.id = e.attempt_id AND e.status = 'completed' AND attempts.ended_at IS NULL;
    END IF;

    IF cardinality(retried_tasks) > 0 THEN
        WITH retried AS (
            UPDATE tasks SET status = 'queued', attempt_id = NULL, not_before = r.not_before, attempts_allowed = r.attempts_allowed,
                output = CASE WHEN r.replaces_output THEN r.output ELSE tasks.output END,
                usage = CASE WHEN r.replaces_output THEN r.usage ELSE tasks.usage END
            FROM unnest(retried_tasks) r
            WHERE tasks.id = r.id AND tasks.attempt_id = r.attempt_id AND tasks.status IN ('assigned', 'running')
            RETURNING tasks.id
        )
        SELECT array_agg(retried.id) INTO touched FROM retried;
        IF cardinality(touched) IS DISTINCT FROM cardinality(retried_tasks) THEN
            lost_tasks := lost_tasks || ARRAY(SELECT r.id FROM unnest(retried_tasks) r WHERE r.id <> ALL (coalesce(touched, '{}')));
        END IF;
    END IF;

    IF cardinality(new_tasks) > 0 THEN
        WITH stored AS (
            INSERT INTO tasks (
                id, tenant, owner, title, description, priority, status, assigned_agent_id, created_at, started_at, completed_at, metadata,
                sequence, model, request, timeout_seconds, attempts, attempts_allowed, attempt_id, error_code, error_message, body_hash,
                traceparent, not_before
            )
            SELECT n.id, n.tenant, n.owner, n.title, n.description, n.priority, n.status, a.id, n.created_at, n.started_at,
                n.completed_at, coalesce(n.metadata, '{}'), n.sequence, n.model, n.request, n.timeout_seconds, n.attempts,
                n.attempts_allowed, n.attempt_id, n.error_code, n.error_message, n.body_hash, n.traceparent, n.not_before
            FROM unnest(new_tasks) n LEFT JOIN agents a ON a.slug = n.agent
            ON CONFLICT (id) DO NOTHING
            RETURNING id
        )
        SELECT array_agg(stored.id) INTO touched FROM stored;
        IF cardinality(touched) IS DISTINCT FROM cardinality(new_tasks) THEN
            lost_tasks := lost_tasks || ARRAY(SELECT n.id FROM unnest(new_tasks) n WHERE n.id <> ALL (coalesce(touched, '{}')));
        END IF;
    END IF;

    IF cardinality(new_dependencies) > 0 THEN
        INSERT INTO task_dependencies (task_id, depends_on_task_id)
        SELECT d.task_id, d.depends_on_task_id FROM unnest(new_dependencies) d WHERE d.task_id <> ALL (lost_tasks)
        ON CONFLICT DO NOTHING;
    END IF;

    IF cardinality(placed_attempts) > 0 THEN
        WITH given AS (
            UPDATE tasks SET status = 'assigned', attempt_id = p.id, attempts = p.number, assigned_agent_id = a.id, not_before = NULL,
                started_at = coalesce(tasks.started_at, turn_time)
            FROM unnest(placed_attempts) p JOIN agents a ON a.slug = p.agent
            WHERE tasks.id = p.task_id AND tasks.status = 'queued'
            RETURNING tasks.id, tasks.request, tasks.output, tasks.usage
        )
        SELECT array_agg(given.id), array_agg(given.request::text), array_agg(given.output::text), array_agg(given.usage::text)
        INTO given_ids, given_requests, given_outputs, given_usages FROM given;
        IF cardinality(given_ids) IS DISTINCT FROM cardinality(placed_attempts) THEN
            lost_tasks := lost_tasks
                || ARRAY(SELECT p.task_id FROM unnest(placed_attempts) p WHERE p.task_id <> ALL (coalesce(given_ids, '{}')));
        END IF;
    END IF;

    IF cardinality(first_attempts) + cardinality(placed_attempts) > 0 THEN
        INSERT INTO attempts (id, task_id, number, agent_id, instance, epoch, model, status, offered_at)
        SELECT p.id, p.task_id, p.number, a.id, p.instance, leader_epoch, p.model, 'offered', turn_time
        FROM unnest(first_attempts || placed_attempts) p JOIN agents a ON a.slug = p.agent
        WHERE p.task_id <> ALL (lost_tasks);
    END IF;

    IF cardinality(running_attempts) > 0 THEN
        UPDATE attempts SET status = 'running', started_at = turn_time
        FROM unnest(running_attempts) r
        WHERE attempts.id = r.id AND attempts.status = 'offered';
        UPDATE tasks SET status = 'running'
        FROM unnest(running_attempts) r
        WHERE tasks.id = r.task_id AND tasks.attempt_id = r.id AND tasks.status = 'assigned';
    END IF;

    IF cardinality(failed_tasks) > 0 THEN
        WITH failed AS (
            UPDATE tasks SET status = 'failed', completed_at = turn_time, error_code = f.error_code, error_message = f.error_message
            FROM unnest(failed_tasks) f
            WHERE tasks.id = f.id AND tasks.status IN ('pending', 'queued')
            RETURNING tasks.id
        )
        SELECT array_agg(failed.id) INTO touched FROM failed;
        IF cardinality(touched) IS DISTINCT FROM cardinality(failed_tasks) THEN
            lost_tasks := lost_tasks || ARRAY(SELECT f.id FROM unnest(failed_tasks) f WHERE f.id <> ALL (coalesce(touched, '{}')));
        END IF;
    END IF;

    IF cardinality(ended_attempts) > 0 THEN
        UPDATE attempts SET status = e.status, ended_at = turn_time, begins_at = coalesce(e.begins_at, 0), error_code = e.error_code, error_message = e.error_message
        FROM unnest(ended_attempts) e
        WHERE attempts.id = e.id AND attempts.ended_at IS NULL;
    END IF;

    IF cardinality(partial_outputs) > 0 THEN
        UPDATE tasks SET output = p.output
        FROM unnest(partial_outputs) p JOIN attempts x ON x.id = p.attempt_id AND x.task_id = p.id
        WHERE tasks.id = p.id AND tasks.status IN ('cancelled', 'failed') AND tasks.request IS NOT NULL
            AND (tasks.output IS NULL OR x.number = tasks.attempts);
    END IF;

    IF cardinality(sent_outbox) > 0 THEN
        DELETE FROM outbox WHERE id = ANY (sent_outbox);
    END IF;
    IF cardinality(lost_tasks) > 0 THEN
        new_facts := ARRAY(SELECT f FROM unnest(new_facts) f WHERE f.task_id IS NULL OR f.task_id <> ALL (lost_tasks));
    END IF;
    IF cardinality(new_facts) > 0 THEN
        INSERT INTO outbox (facts) VALUES (new_facts) RETURNING id INTO outbox_id;
    END IF;
END
$$;
