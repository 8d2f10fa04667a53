-- +goose Up

-- The feed of endings: what access tokens that were minted before no longer stand for. Each
-- ending takes the workspace's next number in the transaction that causes it, at its commit:
-- the row of the number is locked from then to the end of the commit, so that the order of
-- the numbers is the order of the commits, and a reader that sees a number has missed none
-- before it. Triggers write them, whichever program or script makes the change.

-- number is the newest ending's; 1 stands for a feed without any. Endings up to forgotten
-- were deleted.
CREATE TABLE feed (
    one       BIGINT PRIMARY KEY CHECK (one = 1),
    number    BIGINT NOT NULL,
    forgotten BIGINT NOT NULL DEFAULT 1
) WITH (fillfactor = 10);

-- An ending concerns the tokens that have all of its ids; '' is any. Without an id it
-- concerns the whole workspace. bulk is 1 where it stands for many. tx is the transaction.
CREATE TABLE endings (
    number          BIGINT PRIMARY KEY,
    at              BIGINT NOT NULL,
    reason          TEXT   NOT NULL,
    session_id      TEXT   NOT NULL,
    user_id         TEXT   NOT NULL,
    organization_id TEXT   NOT NULL,
    app             TEXT   NOT NULL,
    key_id          TEXT   NOT NULL,
    bulk            BIGINT NOT NULL DEFAULT 0,
    tx              BIGINT NOT NULL DEFAULT 0
);

CREATE INDEX endings_by_time ON endings (at);

-- Writes an ending. After a hundred of one reason and of one organization or person within a
-- second, one of that organization or person stands for all that follow in the transaction,
-- and one of the workspace if an administrator ended so many sessions.
-- +goose StatementBegin
CREATE FUNCTION write_ending(why TEXT, of_session TEXT, of_user TEXT, of_organization TEXT, of_app TEXT, of_key TEXT)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    n    BIGINT;
    t    BIGINT := CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp())) AS BIGINT);
    same RECORD;
    many BIGINT := 0;
BEGIN
    IF current_setting('tabard.carrying', true) = 'on' THEN
        RETURN; -- rows are carried from another database, with its feed
    END IF;
    PERFORM 1 FROM endings e
    WHERE e.number = (SELECT f.number FROM feed f) AND e.tx = txid_current() AND e.bulk = 1 AND e.reason = why
        AND e.user_id IN ('', of_user) AND e.organization_id IN ('', of_organization);
    IF FOUND THEN
        RETURN;
    END IF;
    INSERT INTO feed (one, number) VALUES (1, 2) ON CONFLICT (one) DO UPDATE SET number = feed.number + 1
    RETURNING number INTO n;
    SELECT p.user_id, p.organization_id INTO same FROM endings p
    WHERE p.number = n - 1 AND p.bulk = 1 AND p.reason = why AND p.at >= t - 1
        AND p.user_id IN ('', of_user) AND p.organization_id IN ('', of_organization);
    IF FOUND THEN
        of_session := '';
        of_user := same.user_id;
        of_organization := same.organization_id;
        many := 1;
    END IF;
    PERFORM 1 FROM endings f WHERE f.number = n - 99 AND f.reason = why AND f.at >= t - 1;
    IF FOUND AND many = 0 AND of_app = '' AND of_key = '' THEN
        SELECT COUNT(*) AS rows, COUNT(DISTINCT r.organization_id) AS organizations, MAX(r.organization_id) AS organization,
            COUNT(DISTINCT r.user_id) AS users, MAX(r.user_id) AS person INTO same
        FROM endings r
        WHERE r.number > n - 100 AND r.reason = why AND r.at >= t - 1 AND r.bulk = 0 AND r.app = '' AND r.key_id = '';
        IF same.rows = 99 THEN
            IF same.organizations > 1 OR same.organization <> of_organization THEN
                of_organization := '';
            ELSIF of_organization <> '' THEN
                many := 1;
            END IF;
            IF same.users > 1 OR same.person <> of_user THEN
                IF many = 1 OR why IN ('administrator', 'restored') THEN
                    of_user := '';
                    many := 1;
                END IF;
            ELSIF of_user <> '' THEN
                many := 1;
            END IF;
            IF many = 1 THEN
                of_session := '';
            END IF;
        END IF;
    END IF;
    INSERT INTO endings (number, at, reason, session_id, user_id, organization_id, app, key_id, bulk, tx)
    VALUES (n, t, why, of_session, of_user, of_organization, of_app, of_key, many, txid_current());
END $$;
-- +goose StatementEnd

-- A session ends, and with it those that were entered from it.
-- +goose StatementBegin
CREATE FUNCTION session_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM write_ending(COALESCE(NEW.revoke_reason, 'ended'), NEW.id, NEW.user_id, '', '', '');
    PERFORM write_ending('parent', c.id, c.user_id, '', '', '') FROM sessions c WHERE c.parent_id = NEW.id AND c.revoked_at IS NULL;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE CONSTRAINT TRIGGER session_ended AFTER UPDATE OF revoked_at ON sessions
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL)
EXECUTE FUNCTION session_ended();

-- A session is entered from one that has just ended. The lock waits for an end of the parent
-- that is being committed; an end that comes later finds this session.
-- +goose StatementBegin
CREATE FUNCTION session_orphaned() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    ended BIGINT;
BEGIN
    SELECT p.revoked_at INTO ended FROM sessions p WHERE p.id = NEW.parent_id FOR SHARE;
    IF ended IS NOT NULL THEN
        PERFORM write_ending('parent', NEW.id, NEW.user_id, '', '', '');
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE CONSTRAINT TRIGGER session_orphaned AFTER INSERT ON sessions
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.parent_id IS NOT NULL AND NEW.revoked_at IS NULL)
EXECUTE FUNCTION session_orphaned();

-- A session leaves an organization. One that idled out or expired has no token that lives on;
-- of what was removed the removal tells.
-- +goose StatementBegin
CREATE FUNCTION organization_session_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM write_ending(NEW.ending, s.id, s.user_id, NEW.organization_id, '', '') FROM sessions s WHERE s.id = NEW.session_id;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE CONSTRAINT TRIGGER organization_session_ended AFTER UPDATE OF ended_at ON organization_sessions
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL AND NEW.ending NOT IN ('idle', 'expired', 'removed'))
EXECUTE FUNCTION organization_session_ended();

-- A membership ends or changes.
-- +goose StatementBegin
CREATE FUNCTION membership_ended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM write_ending(CASE WHEN OLD.source = 'staff' THEN 'staff_ended' ELSE 'member_removed' END,
        '', OLD.user_id, OLD.organization_id, '', '');
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE CONSTRAINT TRIGGER membership_ended AFTER DELETE ON memberships
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION membership_ended();

-- +goose StatementBegin
CREATE FUNCTION membership_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM write_ending(CASE
        WHEN OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL THEN 'member_disabled'
        WHEN OLD.roles <> NEW.roles THEN 'roles_changed'
        ELSE 'staff_ended' END, '', NEW.user_id, NEW.organization_id, '', '');
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE CONSTRAINT TRIGGER membership_changed AFTER UPDATE OF roles, disabled_at, expires_at ON memberships
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.roles <> NEW.roles OR (OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL)
    OR (NEW.expires_at IS NOT NULL AND (OLD.expires_at IS NULL OR NEW.expires_at < OLD.expires_at)))
EXECUTE FUNCTION membership_changed();

-- A person is disabled.
-- +goose StatementBegin
CREATE FUNCTION user_disabled() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM write_ending('person_disabled', '', NEW.id, '', '', '');
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE CONSTRAINT TRIGGER user_disabled AFTER UPDATE OF disabled_at ON users
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL)
EXECUTE FUNCTION user_disabled();

-- An organization is disabled, gets other rules or another slug, or its connection is
-- disabled.
-- +goose StatementBegin
CREATE FUNCTION organization_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM write_ending(CASE
        WHEN OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL THEN 'organization_disabled'
        WHEN OLD.connection <> '' AND NEW.connection <> OLD.connection THEN 'connection_disabled'
        WHEN OLD.rules <> NEW.rules THEN 'rules_changed'
        ELSE 'organization_renamed' END, '', '', NEW.id, '', '');
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE CONSTRAINT TRIGGER organization_changed AFTER UPDATE OF disabled_at, rules, connection, slug ON organizations
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN ((OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL) OR OLD.rules <> NEW.rules OR OLD.slug <> NEW.slug
    OR (OLD.connection <> '' AND NEW.connection <> OLD.connection))
EXECUTE FUNCTION organization_changed();

-- The roles of a workspace's document with their permissions, and each with '' as well.
-- +goose StatementBegin
CREATE FUNCTION workspace_roles(document jsonb) RETURNS TABLE (name TEXT, permission TEXT) LANGUAGE sql AS $$
    SELECT r.key, p.value
    FROM jsonb_each(CASE jsonb_typeof(document -> 'roles') WHEN 'object' THEN document -> 'roles' ELSE '{}' END) AS r (key, value),
        jsonb_array_elements_text(CASE jsonb_typeof(r.value) WHEN 'array' THEN r.value ELSE '[]' END || '[""]') AS p (value)
$$;
-- +goose StatementEnd

-- The enabled apps of a workspace's document with what their tokens are like.
-- +goose StatementBegin
CREATE FUNCTION workspace_apps(document jsonb) RETURNS TABLE (id TEXT, audience TEXT, bound TEXT) LANGUAGE sql AS $$
    SELECT a.value ->> 'id', a.value ->> 'audience', COALESCE(a.value ->> 'dpop_bound_tokens', 'false')
    FROM jsonb_array_elements(CASE jsonb_typeof(document -> 'apps') WHEN 'array' THEN document -> 'apps' ELSE '[]' END) AS a (value)
    WHERE COALESCE(a.value ->> 'disabled', 'false') = 'false'
$$;
-- +goose StatementEnd

-- The workspace gets other rules; a role loses a permission; an app is disabled or removed,
-- or its tokens get another form.
-- +goose StatementBegin
CREATE FUNCTION workspace_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := CAST(OLD.document AS jsonb);
    after  jsonb := CAST(NEW.document AS jsonb);
BEGIN
    IF before -> 'policy' IS DISTINCT FROM after -> 'policy' THEN
        PERFORM write_ending('rules_changed', '', '', '', '', '');
    END IF;
    IF EXISTS (SELECT * FROM workspace_roles(before) EXCEPT SELECT * FROM workspace_roles(after)) THEN
        PERFORM write_ending('roles_changed', '', '', '', '', '');
    END IF;
    PERFORM write_ending('app_changed', '', '', '', was.id, '')
    FROM (SELECT DISTINCT id FROM (SELECT * FROM workspace_apps(before) EXCEPT SELECT * FROM workspace_apps(after)) AS changed) AS was;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE CONSTRAINT TRIGGER workspace_changed AFTER UPDATE OF document ON workspace
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.document <> NEW.document)
EXECUTE FUNCTION workspace_changed();

-- A signing key is withdrawn as compromised. One that ends by schedule has its end ahead.
-- +goose StatementBegin
CREATE FUNCTION signing_key_withdrawn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM write_ending('key_withdrawn', '', '', '', '', NEW.id);
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE CONSTRAINT TRIGGER signing_key_withdrawn AFTER UPDATE OF retires_at ON signing_keys
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.retires_at IS NOT NULL AND (OLD.retires_at IS NULL OR NEW.retires_at < OLD.retires_at) AND NEW.retired_by <> 'server')
EXECUTE FUNCTION signing_key_withdrawn();
