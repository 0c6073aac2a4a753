-- Where models are wished, by whom and since when. The newest row holds; the others say how it came.
CREATE TABLE placements (
    version BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    models JSONB NOT NULL,
    applied_by TEXT NOT NULL,
    applied_at TIMESTAMPTZ NOT NULL
);
