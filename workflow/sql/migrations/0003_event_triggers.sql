-- Which active workflows events of the bus start, and how far the streams were read for them.

CREATE TABLE workflow_event_triggers (
    workflow_id UUID NOT NULL REFERENCES workflows (id) ON DELETE CASCADE,
    node TEXT NOT NULL,
    PRIMARY KEY (workflow_id, node)
);

CREATE TABLE workflow_positions (
    stream TEXT PRIMARY KEY,
    sequence BIGINT NOT NULL
);
