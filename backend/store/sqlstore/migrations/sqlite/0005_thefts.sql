-- +goose Up

-- What the clean-up looks for; nearly no session is in it.
CREATE INDEX sessions_by_theft ON sessions (user_id) WHERE revoke_reason IN ('reuse', 'lost');
