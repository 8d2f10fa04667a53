-- +goose Up

-- A sign-in that a third party initiates names an issuer alone.
CREATE INDEX IF NOT EXISTS connections_by_issuer ON connections (issuer);
