-- +goose Up

ALTER TABLE sessions ADD COLUMN connection TEXT NOT NULL DEFAULT '';

ALTER TABLE organization_sessions ADD COLUMN active_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE organization_sessions ADD COLUMN ending TEXT NOT NULL DEFAULT '';
ALTER TABLE organization_sessions ADD COLUMN connection TEXT NOT NULL DEFAULT '';
ALTER TABLE organization_sessions ADD COLUMN made_for TEXT NOT NULL DEFAULT '';
UPDATE organization_sessions SET active_at = started_at;
UPDATE organization_sessions SET ending = 'signed_out' WHERE ended_at IS NOT NULL;

-- What a session authenticated with after its sign-in, which its own row keeps.
CREATE TABLE authentications (
    attempt    TEXT PRIMARY KEY,
    session_id TEXT   NOT NULL REFERENCES sessions (id),
    auth_time  BIGINT NOT NULL,
    acr        TEXT   NOT NULL,
    amr        TEXT   NOT NULL,
    connection TEXT   NOT NULL,
    made_for   TEXT   NOT NULL
);

CREATE INDEX authentications_by_session ON authentications (session_id, auth_time);
