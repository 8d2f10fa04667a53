-- +goose Up

-- When the domain was last looked up, whether DNS answered or not. Those that waited
-- longest come first, so that names for which DNS never answers hold none up.
ALTER TABLE domains ADD COLUMN tried_at BIGINT NOT NULL DEFAULT 0;
