-- One row, written every few seconds while there is a replica: what it says on the replica is how old the replica's copy is (monitor/replica.py).

CREATE TABLE monitor_beat (
    single BOOLEAN PRIMARY KEY DEFAULT true CHECK (single),
    at TIMESTAMPTZ NOT NULL
);
