-- +goose Up

CREATE TABLE audit (
    id              TEXT PRIMARY KEY,
    at              BIGINT NOT NULL,
    action          TEXT   NOT NULL,
    outcome         TEXT   NOT NULL,
    reason          TEXT   NOT NULL,
    actor           TEXT   NOT NULL,
    user_id         TEXT   NOT NULL,
    organization_id TEXT   NOT NULL,
    session_id      TEXT   NOT NULL,
    app             TEXT   NOT NULL,
    address         TEXT   NOT NULL
);

CREATE INDEX audit_by_time ON audit (at, id);
CREATE INDEX audit_by_organization ON audit (organization_id, at, id);
CREATE INDEX audit_by_user ON audit (user_id, at, id);
