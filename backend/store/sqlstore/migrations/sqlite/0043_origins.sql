-- +goose Up

-- The origin whose pages use the session, where an app has one for each organization; ''
-- where the app's origins share it. Its holder is 'joined' where it joined the browser's
-- first session, its parent, by whose organization sessions and authentications it acts.
ALTER TABLE sessions ADD COLUMN origin TEXT NOT NULL DEFAULT '';
