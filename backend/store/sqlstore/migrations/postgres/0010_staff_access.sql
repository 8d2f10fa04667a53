-- +goose Up

-- Staff access is a membership of source 'staff' that ends by itself at expires_at,
-- which is NULL of every other. granted_by is an administration key's id or
-- 'command line'.
ALTER TABLE memberships ADD COLUMN expires_at BIGINT;
ALTER TABLE memberships ADD COLUMN staff_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE memberships ADD COLUMN granted_by TEXT NOT NULL DEFAULT '';

-- What an administrator said of an act, and until when it holds.
ALTER TABLE audit ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN expires_at BIGINT NOT NULL DEFAULT 0;
