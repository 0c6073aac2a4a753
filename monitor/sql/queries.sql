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
