-- +goose Up

-- When the provider's session ends in which an authentication was made (session_expiry), in
-- Unix seconds; 0 where the provider does not say.
ALTER TABLE authentications ADD COLUMN until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE organization_sessions ADD COLUMN auth_until INTEGER NOT NULL DEFAULT 0;

-- When a person came back from a provider that was told to ask them and does not say when
-- it did, in Unix seconds; 0 otherwise.
ALTER TABLE authentications ADD COLUMN confirmed_at INTEGER NOT NULL DEFAULT 0;
