-- +goose Up

-- Whoever is let in again, by whatever way, finds no organization session going on:
-- what was taken away does not silently come back. The triggers act when access
-- returns, in the statement that returns it, so that nothing entered before, or by a
-- mint that was under way, outlives the absence.

-- +goose StatementBegin
CREATE FUNCTION member_returned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE organization_sessions SET ended_at = CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp())) AS BIGINT), ending = 'removed'
    WHERE organization_id = NEW.organization_id AND ended_at IS NULL
        AND session_id IN (SELECT id FROM sessions WHERE user_id = NEW.user_id);
    RETURN NULL;
END $$;
-- +goose StatementEnd

-- A person is a member again, or staff again.
CREATE TRIGGER membership_added AFTER INSERT ON memberships
FOR EACH ROW EXECUTE FUNCTION member_returned();

-- A member is enabled, or staff access that was over is renewed or becomes a membership.
CREATE TRIGGER membership_returned AFTER UPDATE OF disabled_at, created_at ON memberships
FOR EACH ROW WHEN ((OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS NULL) OR OLD.expires_at <= NEW.created_at)
EXECUTE FUNCTION member_returned();

-- A person is enabled.
-- +goose StatementBegin
CREATE FUNCTION user_returned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE organization_sessions SET ended_at = CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp())) AS BIGINT), ending = 'removed'
    WHERE ended_at IS NULL AND session_id IN (SELECT id FROM sessions WHERE user_id = NEW.id);
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER user_returned AFTER UPDATE OF disabled_at ON users
FOR EACH ROW WHEN (OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS NULL)
EXECUTE FUNCTION user_returned();

-- An organization is enabled.
-- +goose StatementBegin
CREATE FUNCTION organization_returned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE organization_sessions SET ended_at = CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp())) AS BIGINT), ending = 'removed'
    WHERE organization_id = NEW.id AND ended_at IS NULL;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER organization_returned AFTER UPDATE OF disabled_at ON organizations
FOR EACH ROW WHEN (OLD.disabled_at IS NOT NULL AND NEW.disabled_at IS NULL)
EXECUTE FUNCTION organization_returned();

-- A connection is enabled: what rests on an authentication there was made before it
-- was disabled.
-- +goose StatementBegin
CREATE FUNCTION connection_returned() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE organization_sessions SET ended_at = CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp())) AS BIGINT), ending = 'removed'
    WHERE organization_id = NEW.id AND ended_at IS NULL AND connection = NEW.connection;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER connection_returned AFTER UPDATE OF connection ON organizations
FOR EACH ROW WHEN (NEW.connection <> '' AND NEW.connection <> OLD.connection)
EXECUTE FUNCTION connection_returned();
