-- +goose Up

-- Finds the sessions that began in a browser.
CREATE INDEX IF NOT EXISTS sessions_by_browser ON sessions (browser, created_at) WHERE browser <> '';
