-- +goose Up

-- The feed of endings: what access tokens that were minted before no longer stand for. Each
-- ending takes the workspace's next number in the transaction that causes it, so that the
-- order of the numbers is the order of the commits. Triggers write them, whichever program
-- or script makes the change.

-- number is the newest ending's; 1 stands for a feed without any. Endings up to forgotten
-- were deleted.
CREATE TABLE feed (
    one       INTEGER PRIMARY KEY CHECK (one = 1),
    number    INTEGER NOT NULL,
    forgotten INTEGER NOT NULL DEFAULT 1
);

-- An ending concerns the tokens that have all of its ids; '' is any. Without an id it
-- concerns the whole workspace. bulk is 1 where it stands for many. tx is for PostgreSQL.
CREATE TABLE endings (
    number          INTEGER PRIMARY KEY,
    at              INTEGER NOT NULL,
    reason          TEXT    NOT NULL,
    session_id      TEXT    NOT NULL,
    user_id         TEXT    NOT NULL,
    organization_id TEXT    NOT NULL,
    app             TEXT    NOT NULL,
    key_id          TEXT    NOT NULL,
    bulk            INTEGER NOT NULL DEFAULT 0,
    tx              INTEGER NOT NULL DEFAULT 0
);

CREATE INDEX endings_by_time ON endings (at);

-- An insertion into this view writes an ending. After a hundred of one reason and of one
-- organization or person within a second, one of that organization or person stands for
-- all that follow, and one of the workspace if an administrator ended so many sessions.
CREATE VIEW ended AS SELECT reason, session_id, user_id, organization_id, app, key_id FROM endings;

-- +goose StatementBegin
CREATE TRIGGER ended_written INSTEAD OF INSERT ON ended
BEGIN
    INSERT INTO feed (one, number) VALUES (1, 2) ON CONFLICT (one) DO UPDATE SET number = feed.number + 1;

    INSERT INTO endings (number, at, reason, session_id, user_id, organization_id, app, key_id)
    SELECT number, CAST(strftime('%s', 'now') AS INTEGER), NEW.reason, NEW.session_id, NEW.user_id, NEW.organization_id, NEW.app, NEW.key_id
    FROM feed;

    UPDATE endings SET bulk = 1, session_id = '',
        user_id = (SELECT p.user_id FROM endings p WHERE p.number = endings.number - 1),
        organization_id = (SELECT p.organization_id FROM endings p WHERE p.number = endings.number - 1)
    WHERE number = (SELECT number FROM feed) AND EXISTS (
        SELECT 1 FROM endings p
        WHERE p.number = endings.number - 1 AND p.bulk = 1 AND p.reason = endings.reason AND p.at >= endings.at - 1
            AND p.user_id IN ('', endings.user_id) AND p.organization_id IN ('', endings.organization_id));

    DELETE FROM endings
    WHERE number = (SELECT number - 1 FROM feed) AND bulk = 1 AND EXISTS (
        SELECT 1 FROM endings n
        WHERE n.number = endings.number + 1 AND n.bulk = 1 AND n.reason = endings.reason
            AND n.user_id = endings.user_id AND n.organization_id = endings.organization_id);

    UPDATE endings SET bulk = 1, session_id = '',
        user_id = iif((SELECT COUNT(DISTINCT r.user_id) FROM endings r WHERE r.number > endings.number - 100) = 1, user_id, ''),
        organization_id = iif((SELECT COUNT(DISTINCT r.organization_id) FROM endings r WHERE r.number > endings.number - 100) = 1, organization_id, '')
    WHERE number = (SELECT number FROM feed) AND bulk = 0
        AND EXISTS (SELECT 1 FROM endings f WHERE f.number = endings.number - 99 AND f.reason = endings.reason AND f.at >= endings.at - 1)
        AND (
            SELECT COUNT(*) = 100 AND (
                (COUNT(DISTINCT r.organization_id) = 1 AND MAX(r.organization_id) <> '')
                OR (COUNT(DISTINCT r.user_id) = 1 AND MAX(r.user_id) <> '')
                OR MAX(r.reason) IN ('administrator', 'restored'))
            FROM endings r
            WHERE r.number > endings.number - 100 AND r.reason = endings.reason AND r.at >= endings.at - 1 AND r.bulk = 0 AND r.app = '' AND r.key_id = '');
END;
-- +goose StatementEnd

-- A session ends, and with it those that were entered from it.
-- +goose StatementBegin
CREATE TRIGGER session_ended AFTER UPDATE OF revoked_at ON sessions
WHEN OLD.revoked_at IS NULL AND NEW.revoked_at IS NOT NULL
BEGIN
    INSERT INTO ended (reason, session_id, user_id, organization_id, app, key_id)
    VALUES (COALESCE(NEW.revoke_reason, 'ended'), NEW.id, NEW.user_id, '', '', '');
    INSERT INTO ended (reason, session_id, user_id, organization_id, app, key_id)
    SELECT 'parent', c.id, c.user_id, '', '', '' FROM sessions c WHERE c.parent_id = NEW.id AND c.revoked_at IS NULL;
END;
-- +goose StatementEnd

-- A session is entered from one that has just ended.
-- +goose StatementBegin
CREATE TRIGGER session_orphaned AFTER INSERT ON sessions
WHEN NEW.parent_id IS NOT NULL AND NEW.revoked_at IS NULL
BEGIN
    INSERT INTO ended (reason, session_id, user_id, organization_id, app, key_id)
    SELECT 'parent', NEW.id, NEW.user_id, '', '', '' FROM sessions p WHERE p.id = NEW.parent_id AND p.revoked_at IS NOT NULL;
END;
-- +goose StatementEnd

-- A session leaves an organization. One that idled out or expired has no token that lives on;
-- of what was removed the removal tells.
-- +goose StatementBegin
CREATE TRIGGER organization_session_ended AFTER UPDATE OF ended_at ON organization_sessions
WHEN OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL AND NEW.ending NOT IN ('idle', 'expired', 'removed')
BEGIN
    INSERT INTO ended (reason, session_id, user_id, organization_id, app, key_id)
    SELECT NEW.ending, s.id, s.user_id, NEW.organization_id, '', '' FROM sessions s WHERE s.id = NEW.session_id;
END;
-- +goose StatementEnd

-- A membership ends or changes.
-- +goose StatementBegin
CREATE TRIGGER membership_ended AFTER DELETE ON memberships
BEGIN
    INSERT INTO ended (reason, session_id, user_id, organization_id, app, key_id)
    VALUES (iif(OLD.source = 'staff', 'staff_ended', 'member_removed'), '', OLD.user_id, OLD.organization_id, '', '');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER membership_changed AFTER UPDATE OF roles, disabled_at, expires_at ON memberships
WHEN OLD.roles <> NEW.roles OR (OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL)
    OR (NEW.expires_at IS NOT NULL AND (OLD.expires_at IS NULL OR NEW.expires_at < OLD.expires_at))
BEGIN
    INSERT INTO ended (reason, session_id, user_id, organization_id, app, key_id)
    VALUES (iif(OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL, 'member_disabled',
        iif(OLD.roles <> NEW.roles, 'roles_changed', 'staff_ended')), '', NEW.user_id, NEW.organization_id, '', '');
END;
-- +goose StatementEnd

-- A person is disabled.
-- +goose StatementBegin
CREATE TRIGGER user_disabled AFTER UPDATE OF disabled_at ON users
WHEN OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL
BEGIN
    INSERT INTO ended (reason, session_id, user_id, organization_id, app, key_id)
    VALUES ('person_disabled', '', NEW.id, '', '', '');
END;
-- +goose StatementEnd

-- An organization is disabled, gets other rules or another slug, or its connection is
-- disabled.
-- +goose StatementBegin
CREATE TRIGGER organization_changed AFTER UPDATE OF disabled_at, rules, connection, slug ON organizations
WHEN (OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL) OR OLD.rules <> NEW.rules OR OLD.slug <> NEW.slug
    OR (OLD.connection <> '' AND NEW.connection <> OLD.connection)
BEGIN
    INSERT INTO ended (reason, session_id, user_id, organization_id, app, key_id)
    VALUES (iif(OLD.disabled_at IS NULL AND NEW.disabled_at IS NOT NULL, 'organization_disabled',
        iif(OLD.connection <> '' AND NEW.connection <> OLD.connection, 'connection_disabled',
        iif(OLD.rules <> NEW.rules, 'rules_changed', 'organization_renamed'))), '', '', NEW.id, '', '');
END;
-- +goose StatementEnd

-- The workspace gets other rules; a role loses a permission; an app is disabled or removed,
-- or its tokens get another form.
-- +goose StatementBegin
CREATE TRIGGER workspace_changed AFTER UPDATE OF document ON workspace
WHEN OLD.document <> NEW.document
BEGIN
    INSERT INTO ended (reason, session_id, user_id, organization_id, app, key_id)
    SELECT 'rules_changed', '', '', '', '', ''
    WHERE json_extract(OLD.document, '$.policy') IS NOT json_extract(NEW.document, '$.policy');

    INSERT INTO ended (reason, session_id, user_id, organization_id, app, key_id)
    SELECT 'roles_changed', '', '', '', '', ''
    WHERE EXISTS (
        SELECT r.key, p.value FROM json_each(OLD.document, '$.roles') r, json_each(r.value) p WHERE r.type = 'array'
        UNION SELECT r.key, '' FROM json_each(OLD.document, '$.roles') r WHERE r.type = 'array'
        EXCEPT SELECT r.key, p.value FROM json_each(NEW.document, '$.roles') r, json_each(r.value) p WHERE r.type = 'array'
        EXCEPT SELECT r.key, '' FROM json_each(NEW.document, '$.roles') r WHERE r.type = 'array');

    INSERT INTO ended (reason, session_id, user_id, organization_id, app, key_id)
    SELECT DISTINCT 'app_changed', '', '', '', was.id, '' FROM (
        SELECT json_extract(a.value, '$.id') AS id, json_extract(a.value, '$.audience'), COALESCE(json_extract(a.value, '$.dpop_bound_tokens'), 0)
        FROM json_each(OLD.document, '$.apps') a WHERE a.type = 'object' AND COALESCE(json_extract(a.value, '$.disabled'), 0) = 0
        EXCEPT
        SELECT json_extract(a.value, '$.id'), json_extract(a.value, '$.audience'), COALESCE(json_extract(a.value, '$.dpop_bound_tokens'), 0)
        FROM json_each(NEW.document, '$.apps') a WHERE a.type = 'object' AND COALESCE(json_extract(a.value, '$.disabled'), 0) = 0) AS was;
END;
-- +goose StatementEnd

-- A signing key is withdrawn as compromised. One that ends by schedule has its end ahead.
-- +goose StatementBegin
CREATE TRIGGER signing_key_withdrawn AFTER UPDATE OF retires_at ON signing_keys
WHEN NEW.retires_at IS NOT NULL AND (OLD.retires_at IS NULL OR NEW.retires_at < OLD.retires_at) AND NEW.retired_by <> 'server'
BEGIN
    INSERT INTO ended (reason, session_id, user_id, organization_id, app, key_id)
    VALUES ('key_withdrawn', '', '', '', '', NEW.id);
END;
-- +goose StatementEnd
