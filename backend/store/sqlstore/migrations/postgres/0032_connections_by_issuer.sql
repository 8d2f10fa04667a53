-- +goose Up
-- +goose NO TRANSACTION

-- A sign-in that a third party initiates names an issuer alone. The index is made while
-- requests write the table.
CREATE INDEX CONCURRENTLY IF NOT EXISTS connections_by_issuer ON connections (issuer);
