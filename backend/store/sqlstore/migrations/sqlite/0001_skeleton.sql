-- +goose Up

-- Times are Unix seconds. Ids are text. Lists are JSON.

CREATE TABLE workspace (
    one      BIGINT PRIMARY KEY CHECK (one = 1),
    revision BIGINT NOT NULL,
    document TEXT   NOT NULL
);

CREATE TABLE users (
    id          TEXT PRIMARY KEY,
    iss         TEXT   NOT NULL,
    sub         TEXT   NOT NULL,
    name        TEXT   NOT NULL,
    email       TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    seen_at     BIGINT,
    disabled_at BIGINT,
    UNIQUE (iss, sub)
);

CREATE TABLE organizations (
    id          TEXT PRIMARY KEY,
    slug        TEXT   NOT NULL UNIQUE,
    name        TEXT   NOT NULL,
    rules       TEXT   NOT NULL,
    created_at  BIGINT NOT NULL,
    disabled_at BIGINT
);

CREATE TABLE memberships (
    user_id         TEXT   NOT NULL REFERENCES users (id),
    organization_id TEXT   NOT NULL REFERENCES organizations (id),
    roles           TEXT   NOT NULL,
    source          TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    PRIMARY KEY (user_id, organization_id)
);

CREATE INDEX memberships_by_organization ON memberships (organization_id, user_id);

CREATE TABLE sessions (
    id             TEXT PRIMARY KEY,
    app            TEXT   NOT NULL,
    user_id        TEXT   NOT NULL REFERENCES users (id),
    secret         TEXT   NOT NULL,
    gen            BIGINT NOT NULL,
    cur            TEXT   NOT NULL,
    prev           TEXT,
    cur_at         BIGINT NOT NULL,
    cur_last       BIGINT NOT NULL,
    rolled         BIGINT NOT NULL,
    rollbacks      BIGINT NOT NULL,
    revoked_at     BIGINT,
    revoke_reason  TEXT,
    created_at     BIGINT NOT NULL,
    expires_at     BIGINT NOT NULL,
    auth_time      BIGINT NOT NULL,
    acr            TEXT   NOT NULL,
    amr            TEXT   NOT NULL,
    attempt        TEXT   NOT NULL UNIQUE,
    jkt            TEXT   NOT NULL,
    upstream_sid   TEXT   NOT NULL,
    upstream_token TEXT   NOT NULL,
    user_agent     TEXT   NOT NULL,
    address        TEXT   NOT NULL
);

CREATE INDEX sessions_by_user ON sessions (user_id, created_at);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE organization_sessions (
    session_id      TEXT   NOT NULL REFERENCES sessions (id),
    organization_id TEXT   NOT NULL REFERENCES organizations (id),
    started_at      BIGINT NOT NULL,
    ended_at        BIGINT,
    auth_time       BIGINT NOT NULL,
    acr             TEXT   NOT NULL,
    amr             TEXT   NOT NULL,
    PRIMARY KEY (session_id, organization_id)
);

CREATE TABLE signing_keys (
    id         TEXT PRIMARY KEY,
    algorithm  TEXT   NOT NULL,
    generation BIGINT NOT NULL,
    sealed     TEXT   NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (algorithm, generation)
);
