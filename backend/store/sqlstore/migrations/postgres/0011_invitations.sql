-- +goose Up

-- Who is invited to an organization. A row names somebody by what their provider calls
-- them, whether they are known here or not, and becomes a membership when they accept it.
CREATE TABLE invitations (
    organization_id TEXT   NOT NULL REFERENCES organizations (id),
    id              TEXT   NOT NULL,
    iss             TEXT   NOT NULL,
    sub             TEXT   NOT NULL,
    name            TEXT   NOT NULL,
    email           TEXT   NOT NULL,
    roles           TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    PRIMARY KEY (organization_id, id),
    UNIQUE (organization_id, iss, sub)
);

CREATE INDEX invitations_by_end ON invitations (expires_at);
