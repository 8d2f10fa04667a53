-- +goose Up

-- Refresh tokens of the providers that people signed in at, sealed under the secret. They
-- ask a provider whether it still knows the person. connection is an organization's own
-- provider; '' is the workspace's. token is '' if the provider has replaced it and the
-- answer was lost. unanswered counts its uses of which no answer is known.
CREATE TABLE provider_tokens (
    session_id  TEXT    NOT NULL,
    connection  TEXT    NOT NULL,
    token       TEXT    NOT NULL,
    answered_at INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    unanswered  INTEGER NOT NULL DEFAULT 0,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (session_id, connection)
);

CREATE INDEX provider_tokens_by_end ON provider_tokens (expires_at);

-- When a mint of the session asks its providers next: the earliest due_at of its tokens, or
-- the end of the lease of the mint that asks now; 0 is never. Below 0 the session mints
-- nothing until a provider has answered, and the number's amount is the time of the next try.
ALTER TABLE sessions ADD COLUMN revalidate_at INTEGER NOT NULL DEFAULT 0;

-- A session that has ended leaves no token behind.
-- +goose StatementBegin
CREATE TRIGGER forget_provider_tokens AFTER UPDATE OF revoked_at ON sessions
WHEN OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL
BEGIN
    DELETE FROM provider_tokens WHERE session_id = NEW.id;
END;
-- +goose StatementEnd
