-- +goose Up

-- One row, which replicas write to see that a write lands; it means nothing.
CREATE TABLE health (
    id   BIGINT PRIMARY KEY,
    at   BIGINT NOT NULL,
    fill TEXT NOT NULL
);
