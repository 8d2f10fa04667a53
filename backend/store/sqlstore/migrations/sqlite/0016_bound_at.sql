-- +goose Up

-- When a session without a device key was bound to one by its first proof: whoever had
-- its cookie may have been first. 0 where the sign-in itself named the key.
ALTER TABLE sessions ADD COLUMN bound_at INTEGER NOT NULL DEFAULT 0;
