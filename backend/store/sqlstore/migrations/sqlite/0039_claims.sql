-- +goose Up

-- What access tokens say further, where the workspace file declares it: an operator's own
-- attributes of organizations and members, and what identity providers said of a person, by
-- connection. Each is a JSON object; '' is none.
ALTER TABLE organizations ADD COLUMN attributes TEXT NOT NULL DEFAULT '';
ALTER TABLE memberships ADD COLUMN attributes TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN claims TEXT NOT NULL DEFAULT '';

-- Access tokens of before say what is no longer true.
-- +goose StatementBegin
CREATE TRIGGER organization_attributes_changed AFTER UPDATE OF attributes ON organizations
WHEN OLD.attributes <> NEW.attributes
BEGIN
    INSERT INTO ended (reason, session_id, user_id, organization_id, app, key_id)
    VALUES ('attributes_changed', '', '', NEW.id, '', '');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER membership_attributes_changed AFTER UPDATE OF attributes ON memberships
WHEN OLD.attributes <> NEW.attributes
BEGIN
    INSERT INTO ended (reason, session_id, user_id, organization_id, app, key_id)
    VALUES ('attributes_changed', '', NEW.user_id, NEW.organization_id, '', '');
END;
-- +goose StatementEnd

-- +goose StatementBegin
CREATE TRIGGER provider_claims_changed AFTER UPDATE OF claims ON users
WHEN OLD.claims <> NEW.claims
BEGIN
    INSERT INTO ended (reason, session_id, user_id, organization_id, app, key_id)
    VALUES ('provider_claims_changed', '', NEW.id, '', '', '');
END;
-- +goose StatementEnd

-- An app's tokens state other claims than before.
-- +goose StatementBegin
CREATE TRIGGER workspace_claims_changed AFTER UPDATE OF document ON workspace
WHEN OLD.document <> NEW.document
BEGIN
    INSERT INTO ended (reason, session_id, user_id, organization_id, app, key_id)
    SELECT 'app_changed', '', '', '', json_extract(was.value, '$.id'), ''
    FROM json_each(OLD.document, '$.apps') was
    JOIN json_each(NEW.document, '$.apps') now ON json_extract(now.value, '$.id') = json_extract(was.value, '$.id')
    WHERE COALESCE(json_extract(was.value, '$.disabled'), 0) = 0 AND COALESCE(json_extract(now.value, '$.disabled'), 0) = 0
        AND COALESCE(json_extract(was.value, '$.stated_claims'), '{}') <> COALESCE(json_extract(now.value, '$.stated_claims'), '{}');
END;
-- +goose StatementEnd
