-- +goose Up

-- Whoever is let in again, by whatever way, finds no organization session going on:
-- what was taken away does not silently come back. The triggers act when access
-- returns, in the statement that returns it, so that nothing entered before, or by a
-- mint that was under way, outlives the absence.

-- A person is a member again, or staff again.
-- +goose StatementBegin
CREATE TRIGGER membership_added AFTER INSERT ON memberships
BEGIN
    UPDATE organization_sessions SET ended_at = CAST(strftime('%s', 'now') AS INTEGER), ending = 'removed'
    WHERE organization_id = NEW.organization_id AND ended_at IS NULL
        AND session_id IN (SELECT id FROM sessions WHERE user_id = NEW.user_id);
END;
-- +goose StatementEnd

-- A member is enabled, or staff access that was over is renewed or becomes a membership.
-- +goose StatementBegin
CREATE TRIGGER membership_returned AFTER UPDATE OF disabled_at, created_at ON memberships
WHEN (OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS NULL) OR OLD.expires_at <= NEW.created_at
BEGIN
    UPDATE organization_sessions SET ended_at = CAST(strftime('%s', 'now') AS INTEGER), ending = 'removed'
    WHERE organization_id = NEW.organization_id AND ended_at IS NULL
        AND session_id IN (SELECT id FROM sessions WHERE user_id = NEW.user_id);
END;
-- +goose StatementEnd

-- A person is enabled.
-- +goose StatementBegin
CREATE TRIGGER user_returned AFTER UPDATE OF disabled_at ON users
WHEN OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS NULL
BEGIN
    UPDATE organization_sessions SET ended_at = CAST(strftime('%s', 'now') AS INTEGER), ending = 'removed'
    WHERE ended_at IS NULL AND session_id IN (SELECT id FROM sessions WHERE user_id = NEW.id);
END;
-- +goose StatementEnd

-- An organization is enabled.
-- +goose StatementBegin
CREATE TRIGGER organization_returned AFTER UPDATE OF disabled_at ON organizations
WHEN OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS NULL
BEGIN
    UPDATE organization_sessions SET ended_at = CAST(strftime('%s', 'now') AS INTEGER), ending = 'removed'
    WHERE organization_id = NEW.id AND ended_at IS NULL;
END;
-- +goose StatementEnd

-- A connection is enabled: what rests on an authentication there was made before it
-- was disabled.
-- +goose StatementBegin
CREATE TRIGGER connection_returned AFTER UPDATE OF connection ON organizations
WHEN NEW.connection <> '' AND NEW.connection <> OLD.connection
BEGIN
    UPDATE organization_sessions SET ended_at = CAST(strftime('%s', 'now') AS INTEGER), ending = 'removed'
    WHERE organization_id = NEW.id AND ended_at IS NULL AND connection = NEW.connection;
END;
-- +goose StatementEnd
