-- +goose Up

-- Whether the session's cookie has no end, so that the browser deletes it when it closes.
ALTER TABLE sessions ADD COLUMN ends_with_browser BIGINT NOT NULL DEFAULT 0;
