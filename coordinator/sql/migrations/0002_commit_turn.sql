-- A whole turn of the leader in one statement (docs/adr/0011): one round trip, and its own transaction where nothing was read between.

CREATE TYPE new_task AS (
    id UUID, tenant TEXT, owner TEXT, title TEXT, description TEXT, priority SMALLINT, status task_status_enum, agent TEXT,
    created_at TIMESTAMPTZ, started_at TIMESTAMPTZ, completed_at TIMESTAMPTZ, metadata JSONB, sequence BIGINT, model TEXT, request JSONB,
    timeout_seconds DOUBLE PRECISION, attempts INTEGER, attempts_allowed INTEGER, attempt_id UUID, error_code TEXT, error_message TEXT,
    body_hash TEXT, traceparent TEXT
);
CREATE TYPE new_dependency AS (task_id UUID, depends_on_task_id UUID);
CREATE TYPE new_attempt AS (id UUID, task_id UUID, number INTEGER, agent TEXT, instance TEXT, model TEXT);
CREATE TYPE attempt_key AS (id UUID, task_id UUID);
CREATE TYPE task_end AS (
    id UUID, attempt_id UUID, status task_status_enum, output JSONB, usage JSONB, timings JSONB, error_code TEXT, error_message TEXT
);
CREATE TYPE task_retry AS (id UUID, attempt_id UUID, not_before TIMESTAMPTZ, attempts_allowed INTEGER);
CREATE TYPE task_failure AS (id UUID, error_code TEXT, error_message TEXT);
CREATE TYPE partial_output AS (id UUID, attempt_id UUID, output JSONB);
CREATE TYPE attempt_end AS (id UUID, status TEXT, error_code TEXT, error_message TEXT);
CREATE TYPE fact AS (task_id UUID, subject TEXT, message_id TEXT, body TEXT, durable BOOLEAN, traceparent TEXT);

-- Facts of one commit, until the bus has acknowledged them.
ALTER TABLE outbox ADD COLUMN facts fact[], ADD COLUMN committed_at TIMESTAMPTZ NOT NULL DEFAULT now();
UPDATE outbox SET facts = ARRAY(
    SELECT ROW (NULL, e ->> 0, e ->> 1, e ->> 2, (e ->> 3)::boolean, e ->> 4)::fact FROM jsonb_array_elements(events) e
);
ALTER TABLE outbox DROP COLUMN events, ALTER COLUMN facts SET NOT NULL;

CREATE FUNCTION commit_turn(
    leader_epoch BIGINT, read_positions JSONB, turn_time TIMESTAMPTZ, sent_outbox BIGINT[],
    ended_tasks task_end[], retried_tasks task_retry[], new_tasks new_task[], new_dependencies new_dependency[],
    first_attempts new_attempt[], placed_attempts new_attempt[], running_attempts attempt_key[], failed_tasks task_failure[],
    ended_attempts attempt_end[], partial_outputs partial_output[], new_facts fact[],
    OUT holds BOOLEAN,              -- false: another leader has taken a higher epoch, and nothing was written
    OUT outbox_id BIGINT,
    OUT lost_tasks UUID[],          -- whose row decided otherwise: none of their facts are kept
    OUT given_ids UUID[],           -- of placed_attempts, with the requests in the same order
    OUT given_requests TEXT[]
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
            UPDATE tasks SET status = e.status, completed_at = turn_time, output = e.output, usage = e.usage, timings = e.timings,
                error_code = e.error_code, error_message = e.error_message, attempt_id = NULL
            FROM unnest(ended_tasks) e
            WHERE tasks.id = e.id AND tasks.attempt_id = e.attempt_id AND tasks.status IN ('assigned', 'running')
            RETURNING tasks.id
        )
        SELECT array_agg(ended.id) INTO touched FROM ended;
        IF cardinality(touched) IS DISTINCT FROM cardinality(ended_tasks) THEN
            lost_tasks := lost_tasks || ARRAY(SELECT e.id FROM unnest(ended_tasks) e WHERE e.id <> ALL (coalesce(touched, '{}')));
        END IF;
        UPDATE attempts SET status = 'completed', ended_at = turn_time
        FROM unnest(ended_tasks) e
        WHERE attempts.id = e.attempt_id AND e.status = 'completed' AND attempts.ended_at IS NULL;
    END IF;

    IF cardinality(retried_tasks) > 0 THEN
        WITH retried AS (
            UPDATE tasks SET status = 'queued', attempt_id = NULL, not_before = r.not_before, attempts_allowed = r.attempts_allowed
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
                traceparent
            )
            SELECT n.id, n.tenant, n.owner, n.title, n.description, n.priority, n.status, a.id, n.created_at, n.started_at,
                n.completed_at, coalesce(n.metadata, '{}'), n.sequence, n.model, n.request, n.timeout_seconds, n.attempts,
                n.attempts_allowed, n.attempt_id, n.error_code, n.error_message, n.body_hash, n.traceparent
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
            RETURNING tasks.id, tasks.request
        )
        SELECT array_agg(given.id), array_agg(given.request::text) INTO given_ids, given_requests FROM given;
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
        UPDATE attempts SET status = e.status, ended_at = turn_time, error_code = e.error_code, error_message = e.error_message
        FROM unnest(ended_attempts) e
        WHERE attempts.id = e.id AND attempts.ended_at IS NULL;
    END IF;

    IF cardinality(partial_outputs) > 0 THEN
        UPDATE tasks SET output = p.output
        FROM unnest(partial_outputs) p JOIN attempts x ON x.id = p.attempt_id AND x.task_id = p.id
        WHERE tasks.id = p.id AND tasks.status IN ('cancelled', 'failed') AND tasks.output IS NULL AND tasks.request IS NOT NULL;
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
