-- +goose Up
-- +goose NO TRANSACTION

-- Finds the sessions that began in a browser. It is made while requests write the table.
CREATE INDEX CONCURRENTLY IF NOT EXISTS sessions_by_browser ON sessions (browser, created_at) WHERE browser <> '';
