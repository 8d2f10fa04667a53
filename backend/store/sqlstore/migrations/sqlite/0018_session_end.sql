-- +goose Up

-- After how long a session that nobody used is refused, where the workspace's document does
-- not say: never in a workspace that is there already, 8 hours in one that begins later.
ALTER TABLE workspace ADD COLUMN session_idle INTEGER NOT NULL DEFAULT 0;

-- The session that a step-up begins this one in place of, and, as soon as this one is
-- used, the one that came in its place; empty where there is none.
ALTER TABLE sessions ADD COLUMN replaces TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN replaced_by TEXT NOT NULL DEFAULT '';
