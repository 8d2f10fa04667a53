-- +goose Up

-- Signing keys of the workspace (organization_id '') and of organisations that have
-- some of their own, in the order in which they sign. The ones before this migration
-- stay, in the order in which they were made.
CREATE TABLE signing_key_chains (
    id              TEXT PRIMARY KEY,
    organization_id TEXT   NOT NULL,
    generation      BIGINT NOT NULL,
    algorithm       TEXT   NOT NULL,
    sealed          TEXT   NOT NULL,
    created_at      BIGINT NOT NULL,
    signs_at        BIGINT NOT NULL,
    retires_at      BIGINT,
    made_by         TEXT   NOT NULL,
    retired_by      TEXT   NOT NULL DEFAULT '',
    UNIQUE (organization_id, generation)
);

INSERT INTO signing_key_chains (id, organization_id, generation, algorithm, sealed, created_at, signs_at, made_by)
SELECT id, '', ROW_NUMBER() OVER (ORDER BY created_at, generation, id), algorithm, sealed, created_at, created_at, 'server'
FROM signing_keys;

DROP TABLE signing_keys;
ALTER TABLE signing_key_chains RENAME TO signing_keys;
