-- +goose Up

-- Organisations' own OpenID providers. A row stays when its connection is deleted, so
-- that no id comes back.
CREATE TABLE connections (
    id              TEXT PRIMARY KEY,
    organization_id TEXT   NOT NULL REFERENCES organizations (id),
    issuer          TEXT   NOT NULL,
    client_id       TEXT   NOT NULL,
    secret          TEXT   NOT NULL,
    scopes          TEXT   NOT NULL,
    provisioning    TEXT   NOT NULL,
    source          TEXT   NOT NULL,
    revision        BIGINT NOT NULL,
    created_at      BIGINT NOT NULL,
    deleted_at      BIGINT
);

CREATE INDEX connections_by_organization ON connections (organization_id, id);

-- The one that is enabled, which every mint has to know.
ALTER TABLE organizations ADD COLUMN connection TEXT NOT NULL DEFAULT '';

-- Who the people of a connection are: one person each, and of each person one.
CREATE TABLE links (
    connection_id TEXT   NOT NULL REFERENCES connections (id),
    sub           TEXT   NOT NULL,
    user_id       TEXT   NOT NULL REFERENCES users (id),
    created_at    BIGINT NOT NULL,
    PRIMARY KEY (connection_id, sub),
    UNIQUE (connection_id, user_id)
);

-- The only organisation that a session opens.
ALTER TABLE sessions ADD COLUMN confined_to TEXT NOT NULL DEFAULT '';
