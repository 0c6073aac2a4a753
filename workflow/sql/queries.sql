-- The statements of the workflow room. An engine's writes hold only while it owns the execution and knows its last revision.

-- name: save_executions
WITH saved AS (
    INSERT INTO executions AS e (
        id, workflow_id, workflow_version, document, status, mode, created_by, claims, input_data, output_data, error_message,
        created_at, started_at, completed_at, frame, revision, owner, epoch, wake_at, take_ups
    )
    SELECT g.id, g.workflow_id, g.workflow_version, g.document::json, g.status, g.mode, g.created_by, g.claims::jsonb,
        g.input_data::jsonb, g.output_data::jsonb, g.error_message, g.created_at, g.started_at, g.completed_at, g.frame,
        g.revision, g.owner, g.epoch, g.wake_at, g.take_ups
    FROM unnest(
        $1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[], $10::text[],
        $11::text[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[], $15::bytea[], $16::int[], $17::uuid[], $18::int[],
        $19::timestamptz[], $20::int[]
    ) AS g (
        id, workflow_id, workflow_version, document, status, mode, created_by, claims, input_data, output_data, error_message,
        created_at, started_at, completed_at, frame, revision, owner, epoch, wake_at,
        take_ups
    )
    ON CONFLICT (id) DO UPDATE SET
        status = excluded.status, output_data = excluded.output_data, error_message = excluded.error_message,
        started_at = excluded.started_at, completed_at = excluded.completed_at, frame = excluded.frame,
        revision = excluded.revision, owner = excluded.owner, wake_at = excluded.wake_at,
        take_ups = excluded.take_ups
    WHERE e.owner = $21 AND e.epoch = excluded.epoch AND e.revision IN (excluded.revision - 1, excluded.revision)
    RETURNING e.id
), added AS (
    INSERT INTO execution_runs (execution_id, first_index, runs)
    SELECT r.execution_id, r.first_index, r.runs
    FROM unnest($22::uuid[], $23::int[], $24::bytea[]) AS r (execution_id, first_index, runs)
    JOIN saved ON saved.id = r.execution_id
    ON CONFLICT DO NOTHING
)
SELECT id FROM saved;

-- name: forget_executions
DELETE FROM executions WHERE id = ANY($1::uuid[]) AND (owner = $2 OR owner IS NULL);

-- name: live
INSERT INTO workflow_engines (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET seen_at = now();

-- name: still_lives
UPDATE workflow_engines SET seen_at = now() WHERE id = $1 RETURNING id;

-- name: leave
DELETE FROM workflow_engines WHERE id = $1;

-- name: release
UPDATE executions SET owner = NULL, wake_at = CASE status WHEN 'waiting' THEN now() ELSE wake_at END WHERE owner = $1;

-- name: suspect
UPDATE workflow_engines SET suspect = $2 WHERE id = $1;

-- name: bury
-- Where the dead one had a suspect, the take-ups of the others do not count.
WITH dead AS (
    DELETE FROM workflow_engines WHERE seen_at < now() - make_interval(secs => $1) RETURNING id, suspect
)
UPDATE executions e SET take_ups = e.take_ups - 1 FROM dead
WHERE e.owner = dead.id AND e.id <> dead.suspect AND e.status IN ('new', 'running', 'waiting');

-- name: claim
-- One with an owner waits in that engine's memory: when the engine is dead, so is the wait. $3: only what other executions wait for.
-- $4: only those that were taken up $5 times already without getting further, or only the others. Those of $6 times are only ended.
WITH free AS (
    SELECT e.id FROM executions e
    WHERE e.status IN ('new', 'running', 'waiting')
        AND (e.status <> 'waiting' OR e.owner IS NOT NULL OR e.wake_at <= now())
        AND (NOT $3 OR e.mode = 'integrated')
        AND (e.owner IS NOT NULL AND e.take_ups >= $5 AND e.take_ups < $6) = $4
        AND (e.owner IS NULL OR NOT EXISTS (SELECT FROM workflow_engines w WHERE w.id = e.owner))
    ORDER BY CASE WHEN $4 THEN e.take_ups END, e.created_at LIMIT $2 FOR UPDATE SKIP LOCKED
)
UPDATE executions e SET owner = $1, epoch = e.epoch + 1, take_ups = CASE WHEN e.owner IS NULL THEN 0 ELSE e.take_ups + 1 END
FROM free WHERE e.id = free.id RETURNING e.*;

-- name: claim_one
UPDATE executions e SET owner = $1, epoch = e.epoch + 1, take_ups = CASE WHEN e.owner IS NULL THEN 0 ELSE e.take_ups + 1 END
WHERE e.id = $2 AND e.status IN ('new', 'running', 'waiting')
    AND (e.owner IS NULL OR NOT EXISTS (SELECT FROM workflow_engines w WHERE w.id = e.owner))
RETURNING e.*;

-- name: next_wake
SELECT min(wake_at) AS at FROM executions WHERE status = 'waiting' AND owner IS NULL;

-- name: runs_of
SELECT execution_id, runs FROM execution_runs WHERE execution_id = ANY($1::uuid[]) ORDER BY execution_id, first_index;

-- name: get_execution
SELECT e.*, w.name AS workflow_name FROM executions e LEFT JOIN workflows w ON w.id = e.workflow_id
WHERE e.id = $1 AND ($2::text IS NULL OR e.claims ->> 'tenant' = $2);

-- name: status_of
SELECT status FROM executions WHERE id = $1;

-- name: list_executions
SELECT e.id, e.workflow_id, e.workflow_version, e.status, e.mode, e.created_by, e.error_message, e.created_at, e.started_at,
    e.completed_at, e.wake_at, w.name AS workflow_name
FROM executions e LEFT JOIN workflows w ON w.id = e.workflow_id
WHERE ($1::uuid IS NULL OR e.workflow_id = $1) AND ($2::text[] IS NULL OR e.status = ANY($2))
    AND ($3::timestamptz IS NULL OR (e.created_at, e.id) < ($3, $4::uuid))
    AND e.claims->>'tenant' = $6 AND ($7::text IS NULL OR e.created_by = $7)
ORDER BY e.created_at DESC, e.id DESC LIMIT $5;

-- name: untold
SELECT e.id, e.workflow_id, e.status, e.mode, e.created_by, e.error_message, e.started_at, e.completed_at, e.frame,
    e.claims->>'tenant' AS tenant
FROM executions e
WHERE e.completed_at IS NOT NULL AND NOT e.told AND e.completed_at < now() - make_interval(secs => $1)
ORDER BY e.completed_at LIMIT 500;

-- name: mark_told
UPDATE executions SET told = true WHERE id = ANY($1::uuid[]);

-- name: expire
DELETE FROM executions WHERE id IN (
    SELECT id FROM executions WHERE completed_at < now() - make_interval(secs => $1) AND told LIMIT 1000
);

-- name: lock_static_data
SELECT static_data FROM workflows WHERE id = $1 FOR UPDATE;

-- name: save_static_data
UPDATE workflows SET static_data = $2 WHERE id = $1;

-- name: insert_workflow
INSERT INTO workflows (id, name, description, n8n_id, n8n_data, mcp_tools, created_by, tenant, claims)
VALUES ($1, $2, $3, $4, $5::json, $6::jsonb, $7, $8, $9::jsonb) RETURNING *;

-- name: count_created
INSERT INTO workflow_days (day, created) VALUES ((now() AT TIME ZONE 'UTC')::date, 1)
ON CONFLICT (day) DO UPDATE SET created = workflow_days.created + 1;

-- name: created_today
SELECT (now() AT TIME ZONE 'UTC')::date AS day,
    coalesce((SELECT created FROM workflow_days WHERE day = (now() AT TIME ZONE 'UTC')::date), 0) AS created;

-- name: insert_version
INSERT INTO workflow_versions (workflow_id, version, name, n8n_data, created_by) VALUES ($1, $2, $3, $4::json, $5);

-- name: update_workflow
UPDATE workflows SET name = $3, description = $4, n8n_id = $5, n8n_data = $6::json, mcp_tools = $7::jsonb, claims = $8::jsonb,
    version = version + 1, updated_at = now()
WHERE id = $1 AND version = $2 RETURNING *;

-- name: set_active
UPDATE workflows SET active = $2, updated_at = now() WHERE id = $1 RETURNING *;

-- name: delete_workflow
DELETE FROM workflows WHERE id = $1 RETURNING id;

-- name: get_workflow
SELECT * FROM workflows WHERE id = $1 AND tenant = $2;

-- name: current_version
SELECT version, active FROM workflows WHERE id = $1;

-- name: workflow_by_n8n_id
SELECT id FROM workflows WHERE n8n_id = $1 AND tenant = $2 AND claims ->> 'sub' = $3 ORDER BY active DESC, updated_at DESC LIMIT 1;

-- name: workflow_version
SELECT v.n8n_data, v.name, w.static_data, w.active, w.claims, w.created_by, w.version FROM workflow_versions v
JOIN workflows w ON w.id = v.workflow_id WHERE v.workflow_id = $1 AND v.version = $2;

-- name: list_workflows
WITH page AS (
    SELECT id, name, description, created_by, tenant, version, active, created_at, updated_at, n8n_data -> 'tags' AS tags
    FROM workflows
    WHERE ($1::boolean IS NULL OR active = $1) AND ($2::timestamptz IS NULL OR (created_at, id) < ($2, $3::uuid))
        AND tenant = $5 AND ($6::text IS NULL OR created_by = $6)
        AND ($7::text IS NULL OR strpos(lower(name), lower($7)) > 0 OR strpos(lower((n8n_data -> 'tags')::text), lower($7)) > 0)
    ORDER BY created_at DESC, id DESC LIMIT $4
)
SELECT page.*, last.id AS last_id, last.status AS last_status, last.created_at AS last_at
FROM page LEFT JOIN LATERAL (
    SELECT e.id, e.status, e.created_at FROM executions e WHERE e.workflow_id = page.id ORDER BY e.created_at DESC, e.id DESC LIMIT 1
) AS last ON true
ORDER BY page.created_at DESC, page.id DESC;

-- name: get_version
SELECT v.workflow_id, v.version, v.name, v.n8n_data, v.created_by, v.created_at FROM workflow_versions v
WHERE v.workflow_id = $1 AND v.version = $2;

-- name: callable_workflows
SELECT id, name, description, version FROM workflows
WHERE active AND tenant = $1 AND (claims ->> 'sub' = $2 OR n8n_data -> 'settings' ->> 'callerPolicy' = 'any')
ORDER BY created_at DESC, id DESC LIMIT $3;

-- name: list_versions
SELECT version, name, created_by, created_at FROM workflow_versions WHERE workflow_id = $1 ORDER BY version DESC LIMIT 500;

-- name: drop_webhooks
DELETE FROM workflow_webhooks WHERE workflow_id = $1;

-- name: add_webhooks
INSERT INTO workflow_webhooks (method, path, workflow_id, node)
SELECT h.method, h.path, $1, h.node FROM unnest($2::text[], $3::text[], $4::text[]) AS h (method, path, node);

-- name: webhooks
SELECT h.method, h.path, h.workflow_id, h.node, w.version FROM workflow_webhooks h JOIN workflows w ON w.id = h.workflow_id;

-- name: drop_schedules
DELETE FROM workflow_schedules WHERE workflow_id = $1;

-- name: add_schedules
INSERT INTO workflow_schedules (workflow_id, node, next_due)
SELECT $1, s.node, s.next_due FROM unnest($2::text[], $3::timestamptz[]) AS s (node, next_due);

-- name: due_schedules
SELECT s.workflow_id, s.node, s.next_due, w.version FROM workflow_schedules s JOIN workflows w ON w.id = s.workflow_id
WHERE s.next_due <= $1 ORDER BY s.next_due LIMIT 200;

-- name: next_schedule
SELECT min(next_due) AS at FROM workflow_schedules;

-- name: move_schedule
UPDATE workflow_schedules SET next_due = $4 WHERE workflow_id = $1 AND node = $2 AND next_due = $3 RETURNING node;

-- name: end_schedule
DELETE FROM workflow_schedules WHERE workflow_id = $1 AND node = $2 AND next_due = $3 RETURNING node;

-- name: workflows_with_webhooks
SELECT id, n8n_data FROM workflows
WHERE tenant = $1 AND n8n_data::text ~ 'n8n-nodes-base\.(webhook|formTrigger)|n8n-nodes-langchain\.chatTrigger' ORDER BY updated_at;

-- name: lock_schedule
SELECT node FROM workflow_schedules WHERE workflow_id = $1 AND node = $2 AND next_due = $3 FOR UPDATE SKIP LOCKED;

-- name: drop_event_triggers
DELETE FROM workflow_event_triggers WHERE workflow_id = $1;

-- name: add_event_triggers
INSERT INTO workflow_event_triggers (workflow_id, node) SELECT $1, t.node FROM unnest($2::text[]) AS t (node);

-- name: event_triggers
SELECT t.workflow_id, t.node, w.version FROM workflow_event_triggers t JOIN workflows w ON w.id = t.workflow_id;

-- name: position_of
SELECT sequence FROM workflow_positions WHERE stream = $1;

-- name: move_position
INSERT INTO workflow_positions (stream, sequence) VALUES ($1, $2) ON CONFLICT (stream) DO UPDATE SET sequence = excluded.sequence
WHERE workflow_positions.sequence < excluded.sequence;

-- name: reset_position
-- The stream's store was lost, and its sequences begin anew. $3: what was read, since another engine may have moved it on.
UPDATE workflow_positions SET sequence = $2 WHERE stream = $1 AND sequence = $3;

-- name: insert_credential
INSERT INTO credentials (id, name, type, n8n_id, created_by, tenant, shared, fields, sealed, key_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING *;

-- name: update_credential
WITH gone AS (
    DELETE FROM credential_tokens USING credentials c
    WHERE $8::boolean AND credential_id = $1 AND c.id = $1 AND c.sealed = $2
), left_off AS (
    DELETE FROM credential_connects USING credentials c
    WHERE $8::boolean AND credential_id = $1 AND c.id = $1 AND c.sealed = $2
), changed AS (
    UPDATE credentials SET name = $3, shared = $4, fields = $5, sealed = $6, key_id = $7, updated_at = now()
    WHERE id = $1 AND sealed = $2 RETURNING *
)
SELECT c.*, CASE WHEN $8 THEN NULL ELSE t.connected_at END AS connected_at,
    CASE WHEN $8 THEN NULL ELSE t.expires_at END AS token_expires_at, CASE WHEN $8 THEN NULL ELSE t.refreshable END AS refreshable
FROM changed c LEFT JOIN credential_tokens t ON t.credential_id = c.id;

-- name: delete_credential
DELETE FROM credentials WHERE id = $1 RETURNING id;

-- name: get_credential
SELECT c.*, t.connected_at, t.expires_at AS token_expires_at, t.refreshable
FROM credentials c LEFT JOIN credential_tokens t ON t.credential_id = c.id WHERE id = $1 AND tenant = $2;

-- name: list_credentials
SELECT c.*, t.connected_at, t.expires_at AS token_expires_at, t.refreshable
FROM credentials c LEFT JOIN credential_tokens t ON t.credential_id = c.id
WHERE tenant = $1 AND ($2::text IS NULL OR created_by = $2 OR shared) ORDER BY name, type, created_at LIMIT 5000;

-- name: get_tokens
SELECT sealed, key_id, version, expires_at IS NOT NULL AND expires_at < now() + $2::interval AS expired
FROM credential_tokens WHERE credential_id = $1;

-- name: claim_refresh
UPDATE credential_tokens SET refreshing_by = $3, refreshing_until = now() + $4::interval
WHERE credential_id = $1 AND version = $2 AND (refreshing_until IS NULL OR refreshing_until < now()) RETURNING version;

-- name: end_refresh
UPDATE credential_tokens SET refreshing_by = NULL, refreshing_until = NULL WHERE credential_id = $1 AND version = $2 AND refreshing_by = $3;

-- name: store_refreshed
UPDATE credential_tokens SET sealed = $3, key_id = $4, expires_at = now() + $5::interval, refreshable = $6, version = version + 1,
    refreshing_by = NULL, refreshing_until = NULL
WHERE credential_id = $1 AND version = $2 RETURNING version;

-- name: drop_tokens
DELETE FROM credential_tokens WHERE credential_id = $1 AND version = $2;

-- name: begin_connect
INSERT INTO credential_connects (state_hash, credential_id, begun_by, tenant, sealed, key_id, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, now() + $7::interval) RETURNING expires_at;

-- name: drop_old_connects
DELETE FROM credential_connects WHERE expires_at < now() - interval '1 day' OR state_hash IN (
    SELECT state_hash FROM credential_connects WHERE credential_id = $1 ORDER BY expires_at DESC OFFSET $2
);

-- name: take_connect
DELETE FROM credential_connects WHERE state_hash = $1 RETURNING *, expires_at < now() AS expired;

-- name: store_connected
INSERT INTO credential_tokens (credential_id, sealed, key_id, expires_at, refreshable)
SELECT $1, $3, $4, now() + $5::interval, $6 FROM credentials WHERE id = $1 AND sealed = $2
ON CONFLICT (credential_id) DO UPDATE SET sealed = excluded.sealed, key_id = excluded.key_id, expires_at = excluded.expires_at,
    refreshable = excluded.refreshable, version = credential_tokens.version + 1, refreshing_by = NULL, refreshing_until = NULL,
    connected_at = now()
RETURNING version;

-- name: tokens_of_other_keys
SELECT t.credential_id AS id, t.sealed, t.key_id, c.type, c.created_by, c.tenant
FROM credential_tokens t JOIN credentials c ON c.id = t.credential_id WHERE t.key_id <> $1 LIMIT 5000;

-- name: reseal_tokens
UPDATE credential_tokens SET sealed = $3, key_id = $4 WHERE credential_id = $1 AND sealed = $2;

-- name: usable_credentials
SELECT * FROM credentials
WHERE tenant = $1 AND type = $2 AND (created_by = $3 OR shared) AND (id = $4::uuid OR n8n_id = $5 OR name = $6)
ORDER BY id = $4::uuid DESC NULLS LAST, created_by = $3 DESC, n8n_id = $5 DESC NULLS LAST, created_at LIMIT 2;

-- name: credential_keys
SELECT key_id FROM credentials UNION SELECT key_id FROM credential_tokens UNION SELECT key_id FROM mcp_servers;

-- name: credentials_of_other_keys
SELECT * FROM credentials WHERE key_id <> $1 LIMIT 5000;

-- name: reseal_credential
UPDATE credentials SET sealed = $3, key_id = $4 WHERE id = $1 AND sealed = $2;

-- name: clear_documents
DELETE FROM workflow_documents WHERE tenant = $1 AND owner = $2 AND store = $3 AND NOT id LIKE $4;

-- name: count_documents
SELECT count(*) AS n FROM workflow_documents WHERE tenant = $1 AND owner = $2 AND store = $3 AND NOT id LIKE $4;

-- name: add_documents
INSERT INTO workflow_documents (tenant, owner, store, id, text, metadata, vector)
SELECT $1, $2, $3, d.id, d.text, d.metadata, d.vector
FROM unnest($4::text[], $5::text[], $6::jsonb[], $7::bytea[]) AS d (id, text, metadata, vector)
ON CONFLICT DO NOTHING;

-- name: documents
SELECT id, text, metadata, vector FROM workflow_documents WHERE tenant = $1 AND owner = $2 AND store = $3 ORDER BY created_at, id;

-- name: vector_extension
SELECT installed_version IS NOT NULL AS installed FROM pg_available_extensions WHERE name = 'vector';

-- name: documents_without_embedding
SELECT tenant, owner, store, id, vector FROM workflow_documents WHERE embedding IS NULL AND length(vector) BETWEEN 4 AND 64000 LIMIT 500;

-- name: embed_documents
UPDATE workflow_documents w SET embedding = d.embedding::vector
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) AS d (tenant, owner, store, id, embedding)
WHERE (w.tenant, w.owner, w.store, w.id) = (d.tenant, d.owner, d.store, d.id);

-- name: add_embedded_documents
INSERT INTO workflow_documents (tenant, owner, store, id, text, metadata, vector, embedding)
SELECT $1, $2, $3, d.id, d.text, d.metadata, d.vector, d.embedding::vector
FROM unnest($4::text[], $5::text[], $6::jsonb[], $7::bytea[], $8::text[]) AS d (id, text, metadata, vector, embedding)
ON CONFLICT DO NOTHING;

-- name: nearest_documents
SELECT text, metadata, coalesce(nullif(1 - (embedding <=> $4::text::vector), 'NaN'), 0) AS score
FROM workflow_documents WHERE tenant = $1 AND owner = $2 AND store = $3 AND embedding IS NOT NULL
ORDER BY score DESC, created_at, id LIMIT $5;

-- name: insert_mcp_server
-- No row comes back when its owner has as many as one may have; $16 is NULL for who may have any number.
INSERT INTO mcp_servers (id, name, tenant, created_by, transport, endpoint, command, env_names, header_names, capabilities, version, active, trusted, sealed, key_id)
SELECT $1::uuid, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text[], $9::text[], $10::text[], $11::text, $12::boolean,
    $13::boolean, $14::bytea, $15::text
WHERE $16::integer IS NULL OR (SELECT count(*) FROM mcp_servers WHERE tenant = $3 AND created_by = $4) < $16
    OR EXISTS (SELECT FROM mcp_servers WHERE tenant = $3 AND name = $2) -- which the constraint then says
RETURNING *;

-- name: update_mcp_server
UPDATE mcp_servers SET transport = $2, endpoint = $3, command = $4, env_names = $5, header_names = $6, capabilities = $7, version = $8, active = $9,
       trusted = $10, sealed = $11, key_id = $12, status = 'connecting', reason = NULL, tools = '[]', server_name = NULL, server_version = NULL,
       checked_at = NULL, revision = revision + 1, updated_at = now()
WHERE id = $1 RETURNING *;

-- name: delete_mcp_server
DELETE FROM mcp_servers WHERE id = $1 RETURNING id;

-- name: get_mcp_server
SELECT * FROM mcp_servers WHERE tenant = $1 AND name = $2;

-- name: list_mcp_servers
SELECT * FROM mcp_servers WHERE tenant = $1 ORDER BY name LIMIT 5000;

-- name: tools_of_mcp_servers
SELECT name, status, ARRAY(SELECT tool ->> 'name' FROM jsonb_array_elements(tools) AS tool) AS tools
FROM mcp_servers WHERE tenant = $1 AND name = ANY($2);

-- name: registered_mcp_servers
SELECT id FROM mcp_servers WHERE id = ANY($1::uuid[]);

-- name: active_mcp_servers
SELECT * FROM mcp_servers WHERE active ORDER BY created_at LIMIT 5000;

-- name: save_mcp_state
UPDATE mcp_servers SET status = $3, reason = $4, tools = coalesce($5, tools), server_name = coalesce($6, server_name),
       server_version = coalesce($7, server_version), checked_at = now()
WHERE id = $1 AND revision = $2 RETURNING id;

-- name: mcp_servers_of_other_keys
SELECT * FROM mcp_servers WHERE key_id <> $1 LIMIT 5000;

-- name: reseal_mcp_server
UPDATE mcp_servers SET sealed = $3, key_id = $4 WHERE id = $1 AND sealed = $2;
