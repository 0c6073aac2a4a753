-- Every statement of the monitor, by name. Arrays go in by unnest, so that a batch is one round trip.

-- name: position
SELECT created_at, position, stored_at FROM monitor_positions WHERE stream = $1;

-- name: store_metrics
-- With the position, in one: what was stored is not read again, and what was not is.
WITH stored AS (
    INSERT INTO agent_metrics (agent_id, timestamp, metrics)
    SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::jsonb[]) ON CONFLICT DO NOTHING
)
INSERT INTO monitor_positions (stream, created_at, position, stored_at) VALUES ($4, $5, $6, $7)
ON CONFLICT (stream) DO UPDATE SET created_at = excluded.created_at, position = excluded.position, stored_at = excluded.stored_at;

-- name: partitions
SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = $1::text::regclass AND NOT i.inhdetachpending ORDER BY c.relname;

-- name: half_detached
SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
WHERE i.inhparent = $1::text::regclass AND i.inhdetachpending;

-- name: detached
SELECT relname AS name FROM pg_class
WHERE relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = $1::text::regclass)
    AND relkind = 'r' AND NOT relispartition AND relname ~ ('^' || $1 || '_[0-9]{8}$');

-- name: rolled
SELECT until FROM monitor_rolled WHERE rolled = $1;

-- name: roll_minutes
WITH spread AS (
    SELECT m.agent_id, date_trunc('minute', m.timestamp) AS begins, v.key AS name,
        min(v.value::float8) AS least, avg(v.value::float8) AS mean, max(v.value::float8) AS most, count(*) AS n
    FROM agent_metrics m, jsonb_each((m.metrics - 'network_io') || coalesce(m.metrics -> 'network_io', '{}')) v
    WHERE m.timestamp >= $1 AND m.timestamp < $2 AND jsonb_typeof(v.value) = 'number'
    GROUP BY 1, 2, 3
), stored AS (
    INSERT INTO agent_metrics_minutes (agent_id, timestamp, metrics)
    SELECT agent_id, begins, jsonb_object_agg(name, jsonb_build_object('min', least, 'mean', mean, 'max', most, 'n', n))
    FROM spread GROUP BY 1, 2
    ON CONFLICT (agent_id, timestamp) DO UPDATE SET metrics = excluded.metrics
)
INSERT INTO monitor_rolled VALUES ('minutes', $2) ON CONFLICT (rolled) DO UPDATE SET until = excluded.until;

-- name: roll_hours
WITH spread AS (
    SELECT m.agent_id, date_trunc('hour', m.timestamp, 'UTC') AS begins, v.key AS name,
        min((v.value ->> 'min')::float8) AS least, max((v.value ->> 'max')::float8) AS most,
        sum((v.value ->> 'mean')::float8 * (v.value ->> 'n')::float8) AS total, sum((v.value ->> 'n')::bigint) AS n
    FROM agent_metrics_minutes m, jsonb_each(m.metrics) v
    WHERE m.timestamp >= $1 AND m.timestamp < $2
    GROUP BY 1, 2, 3
), stored AS (
    INSERT INTO agent_metrics_hours (agent_id, timestamp, metrics)
    SELECT agent_id, begins, jsonb_object_agg(name, jsonb_build_object('min', least, 'mean', total / n, 'max', most, 'n', n))
    FROM spread GROUP BY 1, 2
    ON CONFLICT (agent_id, timestamp) DO UPDATE SET metrics = excluded.metrics
)
INSERT INTO monitor_rolled VALUES ('hours', $2) ON CONFLICT (rolled) DO UPDATE SET until = excluded.until;

-- name: history_raw
SELECT timestamp, metrics FROM agent_metrics
WHERE agent_id = $1 AND timestamp >= $2 AND timestamp < $3 ORDER BY timestamp DESC LIMIT $4;

-- name: history_minute
SELECT timestamp, metrics FROM agent_metrics_minutes
WHERE agent_id = $1 AND timestamp >= $2 AND timestamp < $3 ORDER BY timestamp DESC LIMIT $4;

-- name: history_hour
SELECT timestamp, metrics FROM agent_metrics_hours
WHERE agent_id = $1 AND timestamp >= $2 AND timestamp < $3 ORDER BY timestamp DESC LIMIT $4;

-- name: agents_raw
-- From one agent to the next by the index, and not through all that was measured. Agents are few, and what is kept of them is not.
WITH RECURSIVE known AS (
    SELECT min(agent_id) AS agent_id FROM agent_metrics
    UNION ALL
    SELECT (SELECT min(m.agent_id) FROM agent_metrics m WHERE m.agent_id > known.agent_id) FROM known WHERE known.agent_id IS NOT NULL
)
SELECT known.agent_id FROM known
CROSS JOIN LATERAL (SELECT FROM agent_metrics m WHERE m.agent_id = known.agent_id AND m.timestamp >= $1 AND m.timestamp < $2
    ORDER BY m.timestamp DESC LIMIT 1) measured
ORDER BY known.agent_id;

-- name: agents_minute
-- From one agent to the next by the index, and not through all that was measured. Agents are few, and what is kept of them is not.
WITH RECURSIVE known AS (
    SELECT min(agent_id) AS agent_id FROM agent_metrics_minutes
    UNION ALL
    SELECT (SELECT min(m.agent_id) FROM agent_metrics_minutes m WHERE m.agent_id > known.agent_id) FROM known WHERE known.agent_id IS NOT NULL
)
SELECT known.agent_id FROM known
CROSS JOIN LATERAL (SELECT FROM agent_metrics_minutes m WHERE m.agent_id = known.agent_id AND m.timestamp >= $1 AND m.timestamp < $2
    ORDER BY m.timestamp DESC LIMIT 1) measured
ORDER BY known.agent_id;

-- name: store_watched
INSERT INTO watched (timestamp, whole, told) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING;

-- name: watched
-- Of one scope, from the last whole page before $2: those after it say only what changed.
SELECT timestamp, whole, told -> $1::text AS told FROM watched
WHERE timestamp >= coalesce((SELECT max(timestamp) FROM watched WHERE whole AND timestamp <= $2), $2) AND timestamp < $3
ORDER BY timestamp;

-- name: forget_watched
DELETE FROM watched WHERE timestamp < $1;

-- name: alive
SELECT 1;

-- name: known_alerts
-- How each alert stands, and those that are over for as long as a cooldown may be.
SELECT DISTINCT ON (rule, entity) record FROM alerts
WHERE state <> 'resolved' OR changed_at > now() - interval '2 days' ORDER BY rule, entity, fired_at DESC;

-- name: untold_alerts
SELECT record FROM alerts WHERE NOT told ORDER BY changed_at;

-- name: save_alerts
-- With what is to be sent of them, in one. Of an alert whose firing a target was not told, it is not told what became of it.
WITH saved AS (
    INSERT INTO alerts (id, rule, entity, severity, state, fired_at, changed_at, record)
    SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[], $8::jsonb[])
    ON CONFLICT (id) DO UPDATE
    SET state = excluded.state, changed_at = excluded.changed_at, record = excluded.record, told = false
), changed AS (
    INSERT INTO alert_changes (alert_id, rank, record)
    SELECT id, (record ->> 'rank')::int, record FROM unnest($1::uuid[], $8::jsonb[]) AS c (id, record) ON CONFLICT DO NOTHING
)
INSERT INTO alert_notices (target, alert_id, state, changed_at, due_at, record)
SELECT new.* FROM unnest($9::text[], $10::uuid[], $11::text[], $12::timestamptz[], $13::timestamptz[], $14::jsonb[])
    AS new (target, alert_id, state, changed_at, due_at, record)
WHERE new.state = 'firing' OR EXISTS (
    SELECT FROM alert_notices told WHERE told.target = new.target AND told.alert_id = new.alert_id AND told.state = 'firing'
)
ON CONFLICT DO NOTHING;

-- name: told_alert
UPDATE alerts SET told = true WHERE id = $1 AND (record ->> 'rank')::int = $2;

-- name: list_alerts
SELECT record FROM unnest($1::text[]) AS wanted, LATERAL (
    SELECT changed_at, record FROM alerts WHERE state = wanted AND ($2::text IS NULL OR severity = $2) ORDER BY changed_at DESC LIMIT $3
) AS found ORDER BY changed_at DESC LIMIT $3;

-- name: alert_changes
-- And as it stands, where a monitor that knew of no such rows has written last.
SELECT record FROM (
    SELECT rank, record FROM alert_changes WHERE alert_id = $1
    UNION ALL
    SELECT (a.record ->> 'rank')::int, a.record FROM alerts a WHERE a.id = $1 AND NOT EXISTS (
        SELECT FROM alert_changes c WHERE c.alert_id = a.id AND c.rank = (a.record ->> 'rank')::int)
) AS told ORDER BY rank;

-- name: forget_alerts
DELETE FROM alerts WHERE state = 'resolved' AND told AND changed_at < now() - make_interval(secs => $1);

-- name: alert_rules
SELECT rules FROM alert_rules;

-- name: put_alert_rules
INSERT INTO alert_rules (rules, put_by) VALUES ($1, $2)
ON CONFLICT (single) DO UPDATE SET rules = excluded.rules, put_by = excluded.put_by, put_at = now();

-- name: reset_alert_rules
DELETE FROM alert_rules;

-- name: alert_silences
SELECT record FROM alert_silences WHERE ends_at > $1 ORDER BY ends_at;

-- name: save_silence
INSERT INTO alert_silences (id, ends_at, record) VALUES ($1, $2, $3)
ON CONFLICT (id) DO UPDATE SET ends_at = excluded.ends_at, record = excluded.record;

-- name: forget_silences
DELETE FROM alert_silences WHERE ends_at < now() - interval '1 day';

-- name: beat
INSERT INTO monitor_beat (at) VALUES (clock_timestamp()) ON CONFLICT (single) DO UPDATE SET at = excluded.at;

-- name: beat_age
SELECT extract(epoch FROM clock_timestamp() - at)::float8 AS seconds FROM monitor_beat;

-- name: store_usage
-- With the position, in one, as store_metrics. A card's energy is that of its power while the task ran there, shared among those that ran.
WITH told AS (
    SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::uuid[], $8::text[], $9::bigint[],
        $10::bigint[], $11::float8[], $12::float8[])
        AS t (event_id, at, tenant, owner, key_id, model, workflow_id, agent_id, prompt_tokens, completion_tokens, seconds, generation_seconds)
), fresh AS (
    INSERT INTO usage_counted (event_id, at) SELECT event_id, at FROM told ON CONFLICT DO NOTHING RETURNING event_id
), counted AS (
    SELECT t.*, p.watts * t.seconds / 3600 AS watt_hours
    FROM told t JOIN fresh USING (event_id)
    LEFT JOIN LATERAL (
        SELECT avg((m.metrics ->> 'gpu_power_watts')::float8 / greatest(1, coalesce((m.metrics ->> 'active_tasks')::int, 1))) AS watts
        FROM agent_metrics m
        WHERE m.agent_id = t.agent_id AND m.timestamp > t.at - make_interval(secs => t.seconds + 6) AND m.timestamp <= t.at
    ) p ON true
), days AS (
    INSERT INTO usage_days AS u
    SELECT (at AT TIME ZONE 'UTC')::date, tenant, owner, key_id, model, workflow_id, count(*), sum(prompt_tokens), sum(completion_tokens),
        sum(seconds), sum(watt_hours)
    FROM counted GROUP BY 1, 2, 3, 4, 5, 6
    ON CONFLICT ON CONSTRAINT usage_days_one DO UPDATE
    SET tasks = u.tasks + excluded.tasks, prompt_tokens = u.prompt_tokens + excluded.prompt_tokens,
        completion_tokens = u.completion_tokens + excluded.completion_tokens, seconds = u.seconds + excluded.seconds,
        watt_hours = coalesce(u.watt_hours + excluded.watt_hours, u.watt_hours, excluded.watt_hours)
), speeds AS (
    INSERT INTO agent_speed_hours AS s
    SELECT date_trunc('hour', at, 'UTC'), agent_id, model, sum(completion_tokens), sum(generation_seconds)
    FROM counted WHERE agent_id IS NOT NULL AND model IS NOT NULL AND generation_seconds > 0 GROUP BY 1, 2, 3
    ON CONFLICT (agent_id, model, hour) DO UPDATE
    SET tokens = s.tokens + excluded.tokens, generation_seconds = s.generation_seconds + excluded.generation_seconds
)
INSERT INTO monitor_positions (stream, created_at, position, stored_at) VALUES ($13, $14, $15, $16)
ON CONFLICT (stream) DO UPDATE SET created_at = excluded.created_at, position = excluded.position, stored_at = excluded.stored_at;

-- name: store_executions
-- With the position, in one, as store_usage.
WITH told AS (
    SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[]) AS t (event_id, at, status)
), fresh AS (
    INSERT INTO usage_counted (event_id, at) SELECT event_id, at FROM told ON CONFLICT DO NOTHING RETURNING event_id
), counted AS (
    INSERT INTO executions_ended AS e (status, ended)
    SELECT status, count(*) FROM told JOIN fresh USING (event_id) GROUP BY 1 ORDER BY 1
    ON CONFLICT (status) DO UPDATE SET ended = e.ended + excluded.ended
)
INSERT INTO monitor_positions (stream, created_at, position, stored_at) VALUES ($4, $5, $6, $7)
ON CONFLICT (stream) DO UPDATE SET created_at = excluded.created_at, position = excluded.position, stored_at = excluded.stored_at;

-- name: executions_ended
SELECT status, ended FROM executions_ended;

-- name: forget_counted
DELETE FROM usage_counted WHERE at < now() - interval '4 days';

-- name: forget_speeds
DELETE FROM agent_speed_hours WHERE hour < now() - interval '31 days';

-- name: forget_usage
DELETE FROM usage_days WHERE day < (now() AT TIME ZONE 'UTC')::date - $1::int;

-- name: usage_by
-- Of one tenant, or of all: then people of others than the hive's own are told apart by its name.
SELECT CASE $1::text WHEN 'user' THEN person WHEN 'key' THEN key_id::text WHEN 'model' THEN model WHEN 'workflow' THEN workflow_id::text
        ELSE day::text END AS name,
    sum(tasks)::bigint AS tasks, sum(prompt_tokens)::bigint AS prompt_tokens, sum(completion_tokens)::bigint AS completion_tokens,
    sum(seconds) AS seconds, sum(watt_hours) AS watt_hours
FROM usage_days
CROSS JOIN LATERAL (SELECT CASE WHEN $6::text IS NULL AND tenant <> 'default' THEN tenant || '/' || owner ELSE owner END AS person) p
WHERE day BETWEEN $2 AND $3 AND ($6::text IS NULL OR tenant = $6) AND ($4::text IS NULL OR person = $4)
GROUP BY 1
ORDER BY CASE WHEN $1 = 'day' THEN 1 END, CASE WHEN $1 = 'day' THEN min(day) END, sum(prompt_tokens + completion_tokens) DESC LIMIT $5;

-- name: quotas
-- Each kind by its own index: it is asked after every commit of what was used.
SELECT q.tenant, u.used_in, q.kind, q.name, q.unit, q.period, q.most, q.set_by, q.told_share, q.told_since, u.tokens, u.seconds,
    u.watt_hours, u.owner
FROM quotas q
CROSS JOIN LATERAL (SELECT CASE q.period WHEN 'day' THEN $1::date ELSE date_trunc('month', $1::date)::date END AS since) p
LEFT JOIN LATERAL (
    SELECT sum(prompt_tokens + completion_tokens)::float8 AS tokens, sum(seconds) AS seconds, sum(watt_hours) AS watt_hours,
        max(owner) AS owner, max(tenant) AS used_in
    FROM (
        SELECT * FROM usage_days d WHERE q.kind = 'user' AND d.owner = q.name AND d.tenant = q.tenant AND d.day >= p.since
        UNION ALL
        SELECT * FROM usage_days d WHERE d.key_id = CASE q.kind WHEN 'key' THEN q.name::uuid END AND d.day >= p.since
        UNION ALL
        SELECT * FROM usage_days d WHERE d.workflow_id = CASE q.kind WHEN 'workflow' THEN q.name::uuid END AND d.day >= p.since
    ) d
) u ON true
ORDER BY q.tenant, q.kind, q.name, q.unit, q.period;

-- name: who_ran
-- A workflow, since a day; so many as one message holds.
SELECT DISTINCT owner FROM usage_days WHERE workflow_id = $1 AND day >= $2 ORDER BY owner LIMIT 1000;

-- name: put_quota
INSERT INTO quotas (tenant, kind, name, unit, period, most, set_by) VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (tenant, kind, name, unit, period) DO UPDATE SET most = excluded.most, set_by = excluded.set_by, set_at = now();

-- name: told_quota
UPDATE quotas SET told_share = $6, told_since = $7
WHERE tenant = $1 AND kind = $2 AND name = $3 AND unit = $4 AND period = $5;

-- name: remove_quota
DELETE FROM quotas WHERE tenant = $1 AND kind = $2 AND name = $3 AND unit = $4 AND period = $5 RETURNING 1;

-- name: speeds
SELECT agent_id, model, hour, tokens, generation_seconds FROM agent_speed_hours WHERE hour >= $1 ORDER BY agent_id, model, hour;

-- name: alert_targets
SELECT name, key_id, sealed, kind, routing FROM alert_targets ORDER BY name;

-- name: put_alert_target
INSERT INTO alert_targets (name, key_id, sealed, kind, routing, put_by) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (name) DO UPDATE
SET key_id = excluded.key_id, sealed = excluded.sealed, kind = excluded.kind, routing = excluded.routing,
    put_by = excluded.put_by, put_at = now();

-- name: remove_alert_target
WITH notices AS (DELETE FROM alert_notices WHERE target = $1)
DELETE FROM alert_targets WHERE name = $1;

-- name: unsent_notices
-- So many of each target, so that one that takes nothing does not hide the others'.
SELECT target, due_at, record FROM unnest($1::text[]) AS wanted, LATERAL (
    SELECT target, due_at, record FROM alert_notices
    WHERE target = wanted AND sent_at IS NULL AND changed_at > $2 ORDER BY due_at LIMIT $3
) AS unsent ORDER BY due_at;

-- name: sent_notices
UPDATE alert_notices SET sent_at = $4 FROM unnest($2::uuid[], $3::text[]) AS sent (alert_id, state)
WHERE target = $1 AND alert_notices.alert_id = sent.alert_id AND alert_notices.state = sent.state;

-- name: forget_notices
-- Those of alerts that are over, once nothing more is to come of them.
DELETE FROM alert_notices n USING alerts a
WHERE a.id = n.alert_id AND a.state = 'resolved' AND n.changed_at < now() - interval '2 days';

-- name: forget_lost_notices
DELETE FROM alert_notices n WHERE NOT EXISTS (SELECT FROM alerts a WHERE a.id = n.alert_id);

-- name: store_audit
-- With the position, in one. What came of a change is told after that it began; a record that knows its end is never taken back.
WITH stored AS (
    INSERT INTO audit_records (id, at, tenant, sub, action, object_id, result, record)
    SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[])
    ON CONFLICT (id) DO UPDATE SET object_id = excluded.object_id, result = excluded.result, record = excluded.record
    WHERE audit_records.result = 'begun'
)
INSERT INTO monitor_positions (stream, created_at, position, stored_at) VALUES ($9, $10, $11, $12)
ON CONFLICT (stream) DO UPDATE SET created_at = excluded.created_at, position = excluded.position, stored_at = excluded.stored_at;

-- name: list_audit
SELECT id, at, record FROM audit_records
WHERE ($1::text IS NULL OR tenant = $1) AND ($2::text IS NULL OR sub = $2)
    AND ($3::text IS NULL OR action = $3 OR starts_with(action, $3 || '.'))
    AND ($4::text IS NULL OR object_id = $4) AND ($5::text IS NULL OR result = $5)
    AND at >= $6 AND (at, id) < ($7, $8)
ORDER BY at DESC, id DESC LIMIT $9;

-- name: forget_audit
DELETE FROM audit_records WHERE at < now() - make_interval(secs => $1);
