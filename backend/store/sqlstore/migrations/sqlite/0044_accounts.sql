-- +goose Up

-- Whether the sign-in added its person to those who were signed in in the browser, whose
-- sessions go on. Every other sign-in ends theirs.
ALTER TABLE sessions ADD COLUMN added BIGINT NOT NULL DEFAULT 0;
