-- How many executions of workflows ended, by status: one counter for all monitors (docs/adr/0072). Each end is in usage_counted, as those of tasks.

CREATE TABLE executions_ended (
    status TEXT PRIMARY KEY,
    ended BIGINT NOT NULL
);
