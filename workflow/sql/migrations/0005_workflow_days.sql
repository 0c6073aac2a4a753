-- How many workflows were made on each day of UTC. Counted as they are made: one that is deleted since was made all the same.
CREATE TABLE workflow_days (
    day DATE PRIMARY KEY,
    created INTEGER NOT NULL
);
INSERT INTO workflow_days SELECT (created_at AT TIME ZONE 'UTC')::date, count(*) FROM workflows GROUP BY 1;
