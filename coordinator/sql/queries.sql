-- Every statement of the coordinator, by name. Arrays go in by unnest, so that a batch is one round trip.

-- name: take_epoch
UPDATE leadership SET epoch = epoch + 1, instance = $1, since = now() RETURNING epoch;

-- name: positions
SELECT positions, hive_id FROM leadership;

-- name: commit_turn
-- The function of migrations/0008_continuing.sql, as 0014_charged.sql made it anew; coordinator/store/record.py has its arguments.
SELECT holds, outbox_id, lost_tasks, given_ids, given_requests, given_outputs, given_usages
FROM commit_charged_turn($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15);

-- name: existing_tasks
SELECT id FROM tasks WHERE id = ANY($1::uuid[]);

-- name: task_statuses
-- Of one tenant, or of all.
SELECT id, status FROM tasks WHERE id = ANY($1::uuid[]) AND ($2::text IS NULL OR tenant = $2);

-- name: insert_dependencies
INSERT INTO task_dependencies (task_id, depends_on_task_id)
SELECT * FROM unnest($1::uuid[], $2::uuid[]) ON CONFLICT DO NOTHING;

-- name: cancel_tasks
UPDATE tasks SET status = 'cancelled', completed_at = $2
FROM (SELECT id, attempt_id FROM tasks WHERE id = ANY($1::uuid[]) FOR UPDATE) AS old
WHERE tasks.id = old.id AND tasks.status NOT IN ('completed', 'failed', 'cancelled')
RETURNING tasks.id, old.attempt_id;

-- name: pin_task
UPDATE tasks SET pinned_agent = $2 WHERE id = $1 AND status IN ('pending', 'queued') RETURNING id;

-- name: prioritize_task
UPDATE tasks SET priority = $2 WHERE id = $1 AND status IN ('pending', 'queued') RETURNING id;

-- name: revive_tasks
UPDATE tasks SET status = $2::text::task_status_enum, round_number = round_number + 1, completed_at = NULL, started_at = NULL,
    error_code = NULL, error_message = NULL, not_before = NULL, attempt_id = NULL, output = NULL, usage = NULL,
    attempts_allowed = attempts + coalesce((request ->> 'max_attempts')::int, 3)
WHERE id = ANY($1::uuid[]) AND status = 'failed' AND request IS NOT NULL
RETURNING id;

-- name: release_dependents
-- From the few that ended to those that wait for them, each by its key: a join could begin with everything that is pending.
UPDATE tasks SET status = 'queued'
WHERE id = ANY(ARRAY(SELECT d.task_id FROM task_dependencies d WHERE d.depends_on_task_id = ANY($1::uuid[])))
    AND status = 'pending'
    AND (
        SELECT count(*) FROM task_dependencies d JOIN tasks o ON o.id = d.depends_on_task_id
        WHERE d.task_id = tasks.id AND o.status <> 'completed'
    ) = 0
RETURNING id, coalesce(request::text LIKE $2, false) AS quotes;

-- name: pending_dependents
-- Those that wait for them, those that wait for these, and so on; each by its key, as above. A chain of hundreds is one question.
WITH RECURSIVE dependents AS (
    SELECT d.task_id, d.depends_on_task_id
    FROM task_dependencies d JOIN tasks t ON t.id = d.task_id JOIN tasks o ON o.id = d.depends_on_task_id
    WHERE d.depends_on_task_id = ANY($1::uuid[]) AND t.status = 'pending' AND o.status IN ('failed', 'cancelled')
    UNION
    SELECT d.task_id, d.depends_on_task_id
    FROM dependents o
    CROSS JOIN LATERAL (SELECT * FROM task_dependencies WHERE depends_on_task_id = o.task_id OFFSET 0) d
    CROSS JOIN LATERAL (SELECT status FROM tasks WHERE id = d.task_id OFFSET 0) t
    WHERE t.status = 'pending'
)
SELECT task_id, depends_on_task_id FROM dependents;

-- name: depended_on
SELECT DISTINCT d.depends_on_task_id FROM task_dependencies d JOIN tasks t ON t.id = d.task_id WHERE t.status = 'pending';

-- name: live_tasks
SELECT t.id, t.tenant, t.owner, t.priority, t.sequence, t.created_at, t.model, t.title, t.request -> 'require' AS require,
    t.request -> 'options' AS options, t.request ->> 'session' AS session, (t.request ->> 'deadline')::timestamptz AS end_by,
    coalesce((t.request ->> 'preemptible')::boolean, false) AS preemptible,
    coalesce(length(t.request ->> 'prompt') + coalesce(length(t.request ->> 'system'), 0),
        (SELECT sum(length(m ->> 'content')) FROM jsonb_path_query(t.request, '$.messages[*]') m),
        (SELECT sum(length(i #>> '{}')) FROM jsonb_path_query(t.request, '$.input[*]') i)) AS prompt_length,
    (SELECT count(*) FROM jsonb_path_query(t.request, '$.messages[*].images[*]'))
        + (SELECT count(*) FROM jsonb_path_query(t.request, '$.images[*]')) AS images,
    t.request ->> 'kind' AS kind,
    CASE WHEN t.request ? 'streamed' THEN t.request - '{prompt,messages,input,system,images,tools,tool_choice}'::text[] END AS streamed_work,
    t.timeout_seconds, t.attempts, t.attempts_allowed, coalesce((t.request ->> 'max_attempts')::int, 3) AS max_attempts, t.round_number, t.started_at, t.not_before, t.traceparent, t.key_id, t.workflow_id, t.pinned_agent, t.status, t.attempt_id,
    array(SELECT DISTINCT a.slug FROM attempts x JOIN agents a ON a.id = x.agent_id
        WHERE x.task_id = t.id AND x.status IN ('failed', 'lost')) AS avoid
FROM tasks t
WHERE t.id = ANY($1::uuid[]);

-- name: waiting_tasks
-- In the order of the queue, from behind the given place.
SELECT t.id, t.tenant, t.owner, t.priority, t.sequence, t.created_at, t.model, t.title, t.request -> 'require' AS require,
    t.request -> 'options' AS options, t.request ->> 'session' AS session, (t.request ->> 'deadline')::timestamptz AS end_by,
    coalesce((t.request ->> 'preemptible')::boolean, false) AS preemptible,
    coalesce(length(t.request ->> 'prompt') + coalesce(length(t.request ->> 'system'), 0),
        (SELECT sum(length(m ->> 'content')) FROM jsonb_path_query(t.request, '$.messages[*]') m),
        (SELECT sum(length(i #>> '{}')) FROM jsonb_path_query(t.request, '$.input[*]') i)) AS prompt_length,
    (SELECT count(*) FROM jsonb_path_query(t.request, '$.messages[*].images[*]'))
        + (SELECT count(*) FROM jsonb_path_query(t.request, '$.images[*]')) AS images,
    t.request ->> 'kind' AS kind,
    CASE WHEN t.request ? 'streamed' THEN t.request - '{prompt,messages,input,system,images,tools,tool_choice}'::text[] END AS streamed_work,
    t.timeout_seconds, t.attempts, t.attempts_allowed, coalesce((t.request ->> 'max_attempts')::int, 3) AS max_attempts, t.round_number, t.started_at, t.not_before, t.traceparent, t.key_id, t.workflow_id, t.pinned_agent, t.status, t.attempt_id,
    CASE WHEN t.attempts = 0 THEN '{}' ELSE array(SELECT DISTINCT a.slug FROM attempts x JOIN agents a ON a.id = x.agent_id
        WHERE x.task_id = t.id AND x.status IN ('failed', 'lost')) END AS avoid
FROM tasks t
WHERE t.status = 'queued' AND (t.priority, t.sequence, t.id) > ($1::smallint, $2::bigint, $3::uuid)
ORDER BY t.priority, t.sequence, t.id
LIMIT $4;

-- name: open_attempts
SELECT x.id, x.task_id, a.slug AS agent_id, x.instance, x.number, x.model, x.status = 'running' AS accepted
FROM attempts x JOIN agents a ON a.id = x.agent_id JOIN tasks t ON t.id = x.task_id AND t.attempt_id = x.id
WHERE x.status IN ('offered', 'running') AND t.status IN ('assigned', 'running');

-- name: task_requests
SELECT id, tenant, owner, request, output, usage FROM tasks WHERE id = ANY($1::uuid[]);

-- name: outputs_of
SELECT id, output FROM tasks
WHERE id = ANY($1::uuid[]) AND tenant = $2 AND owner = $3 AND status = 'completed' AND output IS NOT NULL;

-- name: replace_requests
UPDATE tasks SET request = n.request::jsonb FROM unnest($1::uuid[], $2::text[]) AS n (id, request) WHERE tasks.id = n.id;

-- name: overdue_pending
-- Of those that wait for others.
SELECT id FROM tasks
WHERE status = 'pending' AND request ? 'deadline' AND (request ->> 'deadline')::timestamptz <= $1
LIMIT 100;

-- name: count_pending
SELECT count(*), clock_timestamp() AS at FROM tasks WHERE status = 'pending';

-- name: read_outbox
SELECT id, facts, committed_at < now() - make_interval(secs => $1) AS is_old FROM outbox ORDER BY id;

-- name: upsert_agent
-- No row comes back when the epoch is another's.
WITH fence AS (SELECT FROM leadership WHERE epoch = $11 FOR SHARE)
INSERT INTO agents (slug, name, endpoint, model, specialization, hardware_config, capabilities, registration, status, last_seen)
SELECT $1, $2, $3, $4, $5, $6::jsonb, $7::jsonb, $8::jsonb, $9::agent_status, $10::timestamptz FROM fence
ON CONFLICT (slug) DO UPDATE SET name = $2, endpoint = $3, model = $4, specialization = $5, hardware_config = $6::jsonb,
    capabilities = $7::jsonb, registration = $8::jsonb, status = $9::agent_status, last_seen = $10, removed_at = NULL
RETURNING created_at, (xmax = 0) AS is_new;

-- name: agents
-- And removed ones whose attempts are not buried yet.
SELECT slug, registration, created_at, last_seen FROM agents
WHERE removed_at IS NULL
    OR EXISTS (SELECT FROM attempts x WHERE x.agent_id = agents.id AND x.status IN ('offered', 'running'))
ORDER BY slug;

-- name: remove_agent
-- No row comes back when the epoch is another's.
WITH fence AS (SELECT FROM leadership WHERE epoch = $2 FOR SHARE),
    orders AS (DELETE FROM agent_orders USING fence WHERE slug = $1),
    track AS (DELETE FROM agent_tracks USING fence WHERE slug = $1),
    health AS (DELETE FROM agent_health USING fence WHERE slug = $1),
    benchmarks AS (DELETE FROM agent_benchmarks USING fence WHERE slug = $1)
UPDATE agents SET removed_at = now(), status = 'offline' FROM fence WHERE slug = $1 RETURNING slug;

-- name: save_window
-- A window enters a phase, and the event that tells it waits in the outbox. No row comes back when the epoch is another's.
WITH fence AS (SELECT FROM leadership WHERE epoch = $8 FOR SHARE),
    entered AS (
        INSERT INTO maintenance_windows (id, starts_at, ends_at, record, announced, cancelled_at)
        SELECT $1, $2::timestamptz, $3::timestamptz, $4::jsonb, $5, $6::timestamptz FROM fence
        ON CONFLICT (id) DO UPDATE SET record = $4::jsonb, announced = $5, cancelled_at = $6
        RETURNING id
    )
INSERT INTO outbox (facts) SELECT $7::fact[] FROM entered RETURNING id;

-- name: open_windows
SELECT record FROM maintenance_windows WHERE announced NOT IN ('ended', 'cancelled') ORDER BY starts_at;

-- name: windows
SELECT record FROM maintenance_windows ORDER BY starts_at DESC, id DESC LIMIT $1;

-- name: window
SELECT record FROM maintenance_windows WHERE id = $1;

-- name: delete_windows
DELETE FROM maintenance_windows WHERE id = ANY(ARRAY(
    SELECT id FROM maintenance_windows WHERE announced IN ('ended', 'cancelled') AND ends_at < $1 ORDER BY starts_at LIMIT $2
)) RETURNING id;

-- name: agent_orders
SELECT slug, drain, labels FROM agent_orders;

-- name: save_orders
-- No row comes back when the epoch is another's.
WITH fence AS (SELECT FROM leadership WHERE epoch = $4 FOR SHARE)
INSERT INTO agent_orders (slug, drain, labels) SELECT $1, $2::jsonb, $3::jsonb FROM fence
ON CONFLICT (slug) DO UPDATE SET drain = $2::jsonb, labels = $3::jsonb RETURNING slug;

-- name: save_benchmark
-- One that has ended stays as it is, and a step that comes late changes nothing: then no row comes back.
INSERT INTO agent_benchmarks (id, slug, model, hardware, status, started_at, record) VALUES ($1, $2, $3, $4, $5, $6, $7::jsonb)
ON CONFLICT (id) DO UPDATE SET status = $5,
    record = $7::jsonb || jsonb_build_object('started_at', agent_benchmarks.record -> 'started_at')
WHERE agent_benchmarks.status = 'running'
    AND ($5 <> 'running' OR coalesce((agent_benchmarks.record ->> 'progress')::float8, 0) <= $8)
RETURNING id;

-- name: measured_models
SELECT DISTINCT slug, model, hardware FROM agent_benchmarks
WHERE status = 'completed' OR (status = 'failed' AND started_at > now() - make_interval(secs => $1));

-- name: running_benchmarks
SELECT record FROM agent_benchmarks WHERE status = 'running';

-- name: benchmarks
SELECT record FROM agent_benchmarks WHERE slug = $1 AND ($2::timestamptz IS NULL OR started_at < $2)
ORDER BY started_at DESC LIMIT $3;

-- name: delete_benchmarks
-- All but an agent's newest; $1 is the time that every retention is told.
DELETE FROM agent_benchmarks WHERE id = ANY(ARRAY(
    SELECT id FROM (
        SELECT id, row_number() OVER (PARTITION BY slug ORDER BY started_at DESC) AS place
        FROM agent_benchmarks WHERE started_at < $1
    ) AS each WHERE place > 200 LIMIT $2
)) RETURNING id;

-- name: agent_tracks
SELECT slug, track FROM agent_tracks;

-- name: save_tracks
-- What a later leader has measured stays: of one that was deposed nothing is stored.
WITH fence AS (SELECT FROM leadership WHERE epoch = $4 FOR SHARE)
INSERT INTO agent_tracks (slug, track, updated_at) SELECT s, t, $3::timestamptz FROM fence, unnest($1::text[], $2::jsonb[]) AS new (s, t)
ON CONFLICT (slug) DO UPDATE SET track = excluded.track, updated_at = excluded.updated_at;

-- name: add_health_checks
INSERT INTO agent_health (slug, checked_at, found) SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::jsonb[])
ON CONFLICT DO NOTHING;

-- name: health_checks
SELECT found FROM agent_health WHERE slug = $1 AND ($2::timestamptz IS NULL OR checked_at < $2)
ORDER BY checked_at DESC LIMIT $3;

-- name: delete_health_checks
DELETE FROM agent_health WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM agent_health WHERE checked_at < $1 ORDER BY checked_at LIMIT $2
)) RETURNING slug;

-- name: add_models
INSERT INTO models (name) SELECT * FROM unnest($1::text[]) ON CONFLICT DO NOTHING;

-- name: models
SELECT name FROM models;

-- name: placement
SELECT version, models, applied_by, applied_at FROM placements ORDER BY version DESC LIMIT 1;

-- name: apply_placement
-- No row comes back when the epoch is another's.
WITH fence AS (SELECT FROM leadership WHERE epoch = $4 FOR SHARE)
INSERT INTO placements (models, applied_by, applied_at) SELECT $1::jsonb, $2, $3::timestamptz FROM fence RETURNING version;

-- name: get_task
SELECT t.*, a.slug AS agent_slug, (
    SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
        'id', x.id, 'number', x.number, 'agent_id', b.slug, 'model', x.model, 'status', x.status, 'offered_at', x.offered_at,
        'started_at', x.started_at, 'ended_at', x.ended_at, 'begins_at', x.begins_at,
        'error', CASE WHEN x.error_code IS NOT NULL
            THEN jsonb_build_object('code', x.error_code, 'message', coalesce(x.error_message, '')) END
    )) ORDER BY x.number, x.offered_at)
    FROM attempts x JOIN agents b ON b.id = x.agent_id WHERE x.task_id = t.id
) AS all_attempts
FROM tasks t LEFT JOIN agents a ON a.id = t.assigned_agent_id
WHERE t.id = $1 AND ($2::text IS NULL OR t.tenant = $2);

-- name: list_tasks
-- Planned anew each time: one plan for whatever is asked and whatever is left out would sort all tasks for a page of them.
SELECT t.id, t.tenant, t.owner, t.title, t.description, t.priority, t.status, t.created_at, t.started_at, t.completed_at, t.metadata,
    t.model, t.timeout_seconds, t.attempts,
    -- What was asked for, not what requeues and refused offers have made of it.
    coalesce((t.request ->> 'max_attempts')::int, CASE WHEN t.request IS NULL THEN t.attempts_allowed ELSE 3 END) AS attempts_allowed,
    t.usage, t.timings, t.error_code, t.error_message, a.slug AS agent_slug
FROM tasks t LEFT JOIN agents a ON a.id = t.assigned_agent_id
WHERE ($1::text[] IS NULL OR t.status = ANY(($1::text[])::task_status_enum[]))
    AND ($2::text IS NULL OR t.assigned_agent_id = (SELECT id FROM agents WHERE slug = $2))
    AND ($3::text IS NULL OR t.model = $3)
    AND ($4::text IS NULL OR t.owner = $4)
    AND ($5::timestamptz IS NULL OR (t.created_at, t.id) < ($5, $6::uuid))
    AND ($7::timestamptz IS NULL OR t.created_at >= $7)
    AND ($8::timestamptz IS NULL OR t.created_at < $8)
    AND ($10::text IS NULL OR t.tenant = $10)
ORDER BY t.created_at DESC, t.id DESC
LIMIT $9;

-- name: delete_ended
-- Locked where they are chosen: a dead letter that is requeued in this moment is not an ended task any more.
-- In order, and so by index: where most is to go a scan looks cheaper, and reads again what earlier bites have left dead.
DELETE FROM tasks WHERE id = ANY(ARRAY(
    SELECT id FROM tasks WHERE status IN ('completed', 'failed', 'cancelled') AND completed_at < $1
    ORDER BY completed_at LIMIT $2 FOR UPDATE SKIP LOCKED
)) RETURNING id;

-- name: blank_ended
UPDATE tasks SET request = NULL, output = NULL WHERE id = ANY(ARRAY(
    SELECT id FROM tasks WHERE status IN ('completed', 'failed', 'cancelled') AND completed_at < $1
        AND (request IS NOT NULL OR output IS NOT NULL)
    ORDER BY completed_at LIMIT $2 FOR UPDATE SKIP LOCKED
)) RETURNING id;

-- name: delete_task
DELETE FROM tasks WHERE id = $1 AND status IN ('completed', 'failed', 'cancelled') RETURNING id;

-- name: upsert_user
-- A key for a name makes the user, without roles: it cannot sign in. One who was removed comes back by `create` alone.
-- No row comes back where the name is somebody's of another tenant.
INSERT INTO users (name, tenant) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET name = $1 WHERE users.tenant = $2
RETURNING id, tenant, disabled_at, removed_at;

-- name: insert_key
INSERT INTO api_keys (user_id, hash, prefix, role, models, name, scopes, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (hash) DO NOTHING RETURNING id, created_at;

-- name: keys
SELECT k.id, k.hash, k.prefix, k.role, k.models, k.name, k.scopes, k.expires_at, k.created_at, k.revoked_at, u.name AS owner, u.tenant,
    k.revoked_at IS NULL AND u.disabled_at IS NULL AND u.removed_at IS NULL AND coalesce(k.expires_at > now(), true) AS holds
FROM api_keys k JOIN users u ON u.id = k.user_id WHERE $1::text IS NULL OR u.tenant = $1 ORDER BY k.created_at;

-- name: keys_of_user
SELECT k.hash FROM api_keys k WHERE k.user_id = $1;

-- name: users
SELECT id, name, roles, tenant, password_hash IS NOT NULL AS has_password, oidc_issuer, created_at, disabled_at, last_login_at
FROM users WHERE removed_at IS NULL AND ($1::text IS NULL OR tenant = $1) ORDER BY name;

-- name: user
SELECT id, name, roles, tenant, password_hash IS NOT NULL AS has_password, oidc_issuer, created_at, disabled_at, last_login_at
FROM users WHERE name = $1 AND removed_at IS NULL AND ($2::text IS NULL OR tenant = $2);

-- name: insert_user
-- Also gives roles and a password to one of the tenant who has keys alone, and takes back one who was removed. No row: there is one who
-- signs in, or the name is another tenant's.
INSERT INTO users (name, roles, password_hash, tenant) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET roles = $2, password_hash = $3, removed_at = NULL, disabled_at = NULL, generation = users.generation + 1
    WHERE users.tenant = $4 AND (users.removed_at IS NOT NULL
        OR users.password_hash IS NULL AND users.oidc_subject IS NULL AND users.roles = '{}' AND users.disabled_at IS NULL)
RETURNING id;

-- name: user_secret
SELECT id, name, roles, tenant, password_hash, generation, disabled_at FROM users WHERE name = $1 AND removed_at IS NULL;

-- name: user_secret_by_id
SELECT id, name, password_hash, generation FROM users WHERE id = $1 AND removed_at IS NULL;

-- name: set_password
-- Only from the generation that was looked at, where one is given.
UPDATE users SET password_hash = $2, generation = generation + 1
WHERE id = $1 AND removed_at IS NULL AND ($3::integer IS NULL OR generation = $3) RETURNING id;

-- name: rehash_password
UPDATE users SET password_hash = $3 WHERE id = $1 AND password_hash = $2;

-- name: enable_user
UPDATE users SET disabled_at = NULL WHERE name = $1 AND removed_at IS NULL AND ($2::text IS NULL OR tenant = $2) RETURNING id;

-- name: change_admin
-- Disable ($2), remove ($3), or give other roles ($4), never to the last of the tenant who may everything. The administrators' rows are locked, so that
-- two who disable each other are not both right. `id` is null for an unknown name, `done` false for the last administrator.
WITH found AS (SELECT id, tenant FROM users WHERE name = $1 AND removed_at IS NULL AND ($5::text IS NULL OR tenant = $5)),
    admins AS (
        SELECT u.id FROM users u
        WHERE u.tenant = (SELECT tenant FROM found) AND u.disabled_at IS NULL AND u.removed_at IS NULL AND (
            'admin' = ANY(u.roles) AND (u.password_hash IS NOT NULL OR u.oidc_subject IS NOT NULL)
            OR EXISTS (
                SELECT FROM api_keys k WHERE k.user_id = u.id AND k.role = 'admin' AND k.revoked_at IS NULL
                    AND coalesce(k.expires_at > now(), true)))
        ORDER BY u.id FOR UPDATE OF u
    ),
    done AS (
        UPDATE users u SET
            disabled_at = CASE WHEN $2 THEN coalesce(disabled_at, now()) ELSE disabled_at END,
            removed_at = CASE WHEN $3 THEN now() ELSE removed_at END,
            password_hash = CASE WHEN $3 THEN NULL ELSE password_hash END,
            oidc_issuer = CASE WHEN $3 THEN NULL ELSE oidc_issuer END,
            oidc_subject = CASE WHEN $3 THEN NULL ELSE oidc_subject END,
            roles = CASE WHEN $3 THEN '{}' ELSE coalesce($4::text[], roles) END,
            generation = generation + CASE WHEN $2 OR $3 THEN 1 ELSE 0 END
        FROM found
        WHERE u.id = found.id AND (
            NOT ($2 OR $3) AND 'admin' = ANY(coalesce($4::text[], '{}'))
            OR u.id NOT IN (SELECT id FROM admins) OR EXISTS (SELECT FROM admins WHERE id <> u.id))
        RETURNING u.id
    )
SELECT (SELECT id FROM found) AS id, EXISTS (SELECT FROM done) AS done;

-- name: revoke_keys_of_user
UPDATE api_keys SET revoked_at = coalesce(revoked_at, now()) WHERE user_id = $1;

-- name: standings
-- `ended`: for as long as somebody may show what was given in that session: a token for 20 minutes, a browser until it would have expired.
-- Those of an older generation are over anyway: so whoever ends sessions without end cannot make a standing too long to be told.
SELECT u.id, u.name, u.roles, u.tenant, u.generation, u.disabled_at IS NOT NULL AS disabled,
    ARRAY(
        SELECT s.id FROM sessions s WHERE s.user_id = u.id AND s.generation = u.generation AND s.ended_at IS NOT NULL
            AND (s.ended_at > now() - interval '20 minutes' OR s.browser IS NOT NULL AND s.expires_at > now())
        ORDER BY s.id
    ) AS ended
FROM users u WHERE u.removed_at IS NULL AND ($1::uuid IS NULL OR u.id = $1);

-- name: insert_session
-- Only while the user stands as when the password was looked at. The login is noted with it.
WITH user_now AS (
    UPDATE users SET last_login_at = now() WHERE id = $1 AND generation = $2 AND disabled_at IS NULL AND removed_at IS NULL RETURNING id
)
INSERT INTO sessions (user_id, generation, browser, expires_at) SELECT id, $2, $3, $4 FROM user_now RETURNING id;

-- name: insert_refresh_token
WITH made AS (
    INSERT INTO refresh_tokens (hash, session_id) SELECT $1, id FROM sessions WHERE id = $2 AND ended_at IS NULL RETURNING session_id
)
SELECT s.expires_at FROM sessions s JOIN made ON made.session_id = s.id;

-- name: use_refresh_token
UPDATE refresh_tokens t SET used_at = now()
FROM sessions s JOIN users u ON u.id = s.user_id
WHERE t.hash = $1 AND t.used_at IS NULL AND s.id = t.session_id AND s.ended_at IS NULL AND s.expires_at > now()
    AND s.generation = u.generation AND u.disabled_at IS NULL AND u.removed_at IS NULL
RETURNING s.id AS session_id, u.id, u.name, u.roles, u.tenant, u.generation;

-- name: used_refresh_token
SELECT session_id, used_at FROM refresh_tokens WHERE hash = $1;

-- name: end_session
UPDATE sessions SET ended_at = coalesce(ended_at, now()) WHERE id = $1 RETURNING user_id;

-- name: session_of_browser
SELECT s.id AS session_id, s.created_at, u.id, u.name, u.roles, u.tenant, u.generation
FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.browser = $1 AND s.ended_at IS NULL AND s.expires_at > now()
    AND s.generation = u.generation AND u.disabled_at IS NULL AND u.removed_at IS NULL
ORDER BY s.created_at DESC LIMIT 1;

-- name: upsert_external
-- Found by the provider's own id of somebody, never by the name, which people choose. A name that is another user's is a unique violation.
INSERT INTO users (name, roles, oidc_issuer, oidc_subject) VALUES ($3, $4, $1, $2)
ON CONFLICT (oidc_issuer, oidc_subject) DO UPDATE SET roles = $4
RETURNING id, name, roles, tenant, generation, disabled_at;

-- name: delete_sessions
DELETE FROM sessions WHERE id = ANY(ARRAY(SELECT id FROM sessions WHERE expires_at < $1 LIMIT $2)) RETURNING id;

-- name: signing_keys
SELECT kid, jwk, sealed, key_id, created_at FROM signing_keys ORDER BY created_at DESC, kid;

-- name: insert_signing_key
INSERT INTO signing_keys (kid, jwk, sealed, key_id) VALUES ($1, $2::jsonb, $3, $4) RETURNING kid, jwk, created_at;

-- name: delete_signing_key
DELETE FROM signing_keys WHERE kid = $1;

-- name: revoke_key
UPDATE api_keys k SET revoked_at = coalesce(revoked_at, now()) FROM users u
WHERE k.id = $1 AND u.id = k.user_id AND ($2::text IS NULL OR u.tenant = $2) RETURNING hash;

-- name: insert_ticket
INSERT INTO login_tickets (hash, claims, expires_at) VALUES ($1, $2::jsonb, $3);

-- name: redeem_ticket
DELETE FROM login_tickets WHERE hash = $1 OR expires_at < now() RETURNING hash, claims, expires_at;

-- name: delete_expired_tickets
DELETE FROM login_tickets WHERE expires_at < $1;

-- name: insert_join_token
-- With the event that tells it, in the outbox. No row comes back when the epoch is another's.
WITH fence AS (SELECT FROM leadership WHERE epoch = $9 FOR SHARE),
    made AS (
        INSERT INTO join_tokens (id, hash, name, labels, uses_allowed, created_by, created_at, expires_at)
        SELECT $1::uuid, $2, $3, $4::jsonb, $5::integer, $6, $7::timestamptz, $8::timestamptz FROM fence
        RETURNING id
    )
INSERT INTO outbox (facts) SELECT $10::fact[] FROM made RETURNING id;

-- name: join_tokens
SELECT t.*, ARRAY(SELECT h.name FROM joined_hosts h WHERE h.token_id = t.id ORDER BY h.name) AS hosts
FROM join_tokens t
WHERE ($1::uuid IS NULL OR t.id = $1) AND ($2::text IS NULL OR t.hash = $2)
ORDER BY t.created_at DESC, t.id DESC
LIMIT $3;

-- name: revoke_join_token
-- No row comes back when the epoch is another's, or when it was revoked before.
WITH fence AS (SELECT FROM leadership WHERE epoch = $3 FOR SHARE),
    revoked AS (UPDATE join_tokens SET revoked_at = $2 FROM fence WHERE id = $1 AND revoked_at IS NULL RETURNING id)
INSERT INTO outbox (facts) SELECT $4::fact[] FROM revoked RETURNING id;

-- name: joined_hosts
SELECT key, name, token_id, agents FROM joined_hosts ORDER BY name LIMIT $1;

-- name: join_host
-- A token is used (or, by a host that comes again, is not), its host is known, and the event waits in the outbox: all or nothing. No
-- row comes back when the epoch is another's, or when the token is over by now.
WITH fence AS (SELECT FROM leadership WHERE epoch = $7 FOR SHARE),
    used AS (
        UPDATE join_tokens SET uses = uses + $3 FROM fence
        WHERE id = $2 AND uses + $3 <= uses_allowed AND expires_at > $6 AND revoked_at IS NULL
        RETURNING id
    ),
    host AS (
        INSERT INTO joined_hosts (key, name, labels, token_id, joined_at, agents) SELECT $1, $4, $5::jsonb, id, $6, $8::text[] FROM used
        ON CONFLICT (key) DO UPDATE SET name = $4, labels = $5::jsonb, token_id = $2, joined_at = $6, agents = $8::text[]
        RETURNING key
    )
INSERT INTO outbox (facts) SELECT $9::fact[] FROM host RETURNING id;

-- name: forget_host
WITH fence AS (SELECT FROM leadership WHERE epoch = $2 FOR SHARE),
    gone AS (DELETE FROM joined_hosts USING fence WHERE name = $1 RETURNING name, agents)
INSERT INTO removed_hosts (name, agents) SELECT name, agents FROM gone
ON CONFLICT (name) DO UPDATE SET agents = excluded.agents, removed_at = now() RETURNING name;

-- name: removed_hosts
-- Those that may have spoken for one of these agents.
SELECT name, agents FROM removed_hosts
WHERE EXISTS (
    SELECT FROM unnest($1::text[]) AS asked (agent)
    WHERE agent = name OR starts_with(agent, name || '-') OR agent = ANY(agents)
);

-- name: removed_host_heard
-- One that tries to come in is the last to be forgotten: `removed_at` becomes when it was heard last, to the hour.
UPDATE removed_hosts SET removed_at = now()
WHERE (name = $1 OR starts_with($1, name || '-') OR $1 = ANY(agents)) AND removed_at < now() - interval '1 hour';

-- name: delete_removed_hosts
-- Beyond so many, those that nothing was heard of for the longest time. No age says that a host is gone: one behind a leaf stays connected there
-- however long the leaf, or this hive, is away.
DELETE FROM removed_hosts WHERE name IN (SELECT name FROM removed_hosts ORDER BY removed_at DESC, name OFFSET $1);

-- name: delete_join_tokens
DELETE FROM join_tokens WHERE id = ANY(ARRAY(SELECT id FROM join_tokens WHERE expires_at < $1 LIMIT $2)) RETURNING id;

-- name: insert_schedule
-- No row comes back when its owner has one of that name, or as many as one may have.
INSERT INTO schedules (id, tenant, owner, claims, name, cron, time_zone, request, enabled, catch_up, overlap, starts_at, ends_at, next_due)
SELECT $1::uuid, $2::text, $3::text, $4::jsonb, $5::text, $6::text, $7::text, $8::jsonb, $9::boolean, $10::text, $11::text,
    $12::timestamptz, $13::timestamptz, $14::timestamptz
WHERE (SELECT count(*) FROM schedules WHERE tenant = $2 AND owner = $3) < $15
ON CONFLICT (tenant, owner, name) DO NOTHING
RETURNING *;

-- name: find_schedule
SELECT id FROM schedules WHERE tenant = $1 AND owner = $2 AND name = $3;

-- name: get_schedule
-- `key_revoked_at`: when what it was made with ceased to hold: the key, or the user. `user_roles`: of now.
SELECT s.*, coalesce(k.revoked_at, u.disabled_at, u.removed_at, CASE WHEN k.expires_at <= now() THEN k.expires_at END) AS key_revoked_at,
    u.roles AS user_roles
FROM schedules s LEFT JOIN api_keys k ON k.id = (s.claims ->> 'key_id')::uuid LEFT JOIN users u ON u.name = s.claims ->> 'sub'
WHERE s.id = $1 AND ($2::text IS NULL OR s.tenant = $2);

-- name: list_schedules
SELECT id, tenant, owner, name, cron, time_zone, enabled, catch_up, overlap, starts_at, ends_at, next_due, last_due, last_task_id,
    problem, created_at, updated_at
FROM schedules
WHERE ($1::text IS NULL OR owner = $1) AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
    AND ($5::text IS NULL OR tenant = $5)
ORDER BY created_at DESC, id DESC
LIMIT $4;

-- name: update_schedule
-- No row comes back when it was changed meanwhile.
UPDATE schedules SET claims = $3::jsonb, name = $4, cron = $5, time_zone = $6, request = $7::jsonb, enabled = $8, catch_up = $9,
    overlap = $10, starts_at = $11, ends_at = $12, next_due = $13, problem = NULL, updated_at = now()
WHERE id = $1 AND updated_at = $2
RETURNING *;

-- name: delete_schedule
DELETE FROM schedules WHERE id = $1 RETURNING id;

-- name: schedule_ran
UPDATE schedules SET last_task_id = $2 WHERE id = $1;

-- name: due_schedules
SELECT s.*, coalesce(k.revoked_at, u.disabled_at, u.removed_at, CASE WHEN k.expires_at <= now() THEN k.expires_at END) AS key_revoked_at,
    u.roles AS user_roles
FROM schedules s LEFT JOIN api_keys k ON k.id = (s.claims ->> 'key_id')::uuid LEFT JOIN users u ON u.name = s.claims ->> 'sub'
WHERE s.next_due <= $1
ORDER BY s.next_due
LIMIT $2;

-- name: move_schedule
-- No row comes back when the epoch is another's, or when somebody has changed the schedule's time meanwhile.
WITH fence AS (SELECT FROM leadership WHERE epoch = $1 FOR SHARE)
UPDATE schedules SET next_due = $4, enabled = $5, last_due = coalesce($6, last_due), last_task_id = coalesce($7, last_task_id),
    problem = $8::jsonb
FROM fence WHERE id = $2 AND next_due = $3
RETURNING id;

-- name: database_connections
SELECT state, count(*) AS sessions FROM pg_stat_activity
WHERE datname = current_database() AND backend_type = 'client backend' GROUP BY state ORDER BY state;
