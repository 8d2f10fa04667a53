-- +goose Up

-- Who does what one replica at a time does, and until when (Unix seconds).
CREATE TABLE leases (
    name   TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until  BIGINT NOT NULL
);

-- How far the audit trail was exported, by the names of exports: what is after the first
-- of them is not forgotten.
CREATE TABLE audit_exports (
    name TEXT PRIMARY KEY,
    at   BIGINT NOT NULL,
    id   TEXT NOT NULL
);
