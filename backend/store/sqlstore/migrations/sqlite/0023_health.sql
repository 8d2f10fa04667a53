-- +goose Up

-- One row, which replicas write to see that a write lands; it means nothing.
CREATE TABLE health (
    id   INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,
    fill TEXT NOT NULL
);
