-- +goose Up

-- Keys of programs, each kept as a keyed hash alone. kind says what it is a key to;
-- organization_id is '' where it is the whole workspace's. Rows stay when a key is
-- revoked, so that the trail's names of it still say something.
CREATE TABLE api_keys (
    id              TEXT PRIMARY KEY,
    kind            TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    hash            TEXT   NOT NULL UNIQUE,
    organization_id TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    created_by      TEXT   NOT NULL,
    expires_at      BIGINT,
    last_used_at    BIGINT,
    revoked_at      BIGINT
);

CREATE INDEX api_keys_by_organization ON api_keys (organization_id);

-- disabled_by is 'admin' where no workspace file may enable it again. A deleted
-- organisation keeps its row, so that its id is never another's.
ALTER TABLE organizations ADD COLUMN disabled_by TEXT NOT NULL DEFAULT '';
ALTER TABLE organizations ADD COLUMN deleted_at BIGINT;

ALTER TABLE memberships ADD COLUMN disabled_at BIGINT;

ALTER TABLE audit ADD COLUMN actor_name TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN target TEXT NOT NULL DEFAULT '';

CREATE INDEX organization_sessions_by_organization ON organization_sessions (organization_id, session_id);
