-- +goose Up

-- The session of another app that a session was entered from, which it ends with.
ALTER TABLE sessions ADD COLUMN parent_id TEXT;
-- 'server' where an app's server holds the refresh token, '' where a browser does.
ALTER TABLE sessions ADD COLUMN holder TEXT NOT NULL DEFAULT '';

CREATE INDEX sessions_by_parent ON sessions (parent_id) WHERE parent_id IS NOT NULL;

-- The only app whose server may use the key; '' is every app of the workspace.
ALTER TABLE api_keys ADD COLUMN app TEXT NOT NULL DEFAULT '';
