-- +goose Up

-- Domains of organizations' people. A domain leads to an organization while verified_at
-- is set: the DNS record that its owner had to publish was there when it was last
-- checked. Of several organizations that claim one domain the first verified one has it.
CREATE TABLE domains (
    organization_id TEXT   NOT NULL REFERENCES organizations (id),
    name            TEXT   NOT NULL,
    token           TEXT   NOT NULL,
    source          TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    verified_at     BIGINT,
    checked_at      BIGINT NOT NULL DEFAULT 0,
    problem         TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (organization_id, name)
);

CREATE UNIQUE INDEX domains_verified ON domains (name) WHERE verified_at IS NOT NULL;
CREATE INDEX domains_by_check ON domains (checked_at);
