-- +goose Up

-- The browser that a session began in, as its cookie's hash; '' where that is not known.
ALTER TABLE sessions ADD COLUMN browser TEXT NOT NULL DEFAULT '';

-- Until when cookies also bear the names that the release before gave them: for a week
-- where that release has served this database, so that nobody is signed out by a replica
-- of it, in a rolling upgrade or after a return to it.
ALTER TABLE workspace ADD COLUMN unmarked_cookies_until BIGINT NOT NULL DEFAULT 0;
UPDATE workspace SET unmarked_cookies_until = CAST(extract(epoch FROM now()) AS BIGINT) + 604800 WHERE EXISTS (SELECT 1 FROM sessions);
