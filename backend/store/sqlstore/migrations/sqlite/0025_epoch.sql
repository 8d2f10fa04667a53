-- +goose Up

-- Which state of the workspace this database holds; the secret's file names the one that
-- replicas serve. A backup, and what was restored from one, has an epoch that no file has.
-- origin is for PostgreSQL.
CREATE TABLE epochs (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    value  TEXT    NOT NULL,
    origin INTEGER NOT NULL DEFAULT 0
);

-- copied is 1 where the tables are not those that the epoch was written in.
CREATE VIEW current_epoch AS SELECT value, 0 AS copied FROM epochs;
