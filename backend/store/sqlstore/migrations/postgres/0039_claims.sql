-- +goose Up

-- What access tokens say further, where the workspace file declares it: an operator's own
-- attributes of organizations and members, and what identity providers said of a person, by
-- connection. Each is a JSON object; '' is none.
ALTER TABLE organizations ADD COLUMN attributes TEXT NOT NULL DEFAULT '';
ALTER TABLE memberships ADD COLUMN attributes TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN claims TEXT NOT NULL DEFAULT '';

-- Access tokens of before say what is no longer true.
-- +goose StatementBegin
CREATE FUNCTION organization_attributes_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM write_ending('attributes_changed', '', '', NEW.id, '', '');
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE CONSTRAINT TRIGGER organization_attributes_changed AFTER UPDATE OF attributes ON organizations
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.attributes <> NEW.attributes)
EXECUTE FUNCTION organization_attributes_changed();

-- +goose StatementBegin
CREATE FUNCTION membership_attributes_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM write_ending('attributes_changed', '', NEW.user_id, NEW.organization_id, '', '');
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE CONSTRAINT TRIGGER membership_attributes_changed AFTER UPDATE OF attributes ON memberships
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.attributes <> NEW.attributes)
EXECUTE FUNCTION membership_attributes_changed();

-- +goose StatementBegin
CREATE FUNCTION provider_claims_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM write_ending('provider_claims_changed', '', NEW.id, '', '', '');
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE CONSTRAINT TRIGGER provider_claims_changed AFTER UPDATE OF claims ON users
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.claims <> NEW.claims)
EXECUTE FUNCTION provider_claims_changed();

-- The enabled apps of a workspace's document with the claims that their tokens state.
-- +goose StatementBegin
CREATE FUNCTION workspace_claims(document jsonb) RETURNS TABLE (id TEXT, claims jsonb) LANGUAGE sql AS $$
    SELECT a.value ->> 'id', COALESCE(a.value -> 'stated_claims', '{}')
    FROM jsonb_array_elements(CASE jsonb_typeof(document -> 'apps') WHEN 'array' THEN document -> 'apps' ELSE '[]' END) AS a (value)
    WHERE COALESCE(a.value ->> 'disabled', 'false') = 'false'
$$;
-- +goose StatementEnd

-- An app's tokens state other claims than before.
-- +goose StatementBegin
CREATE FUNCTION workspace_claims_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM write_ending('app_changed', '', '', '', was.id, '')
    FROM workspace_claims(CAST(OLD.document AS jsonb)) AS was
    JOIN workspace_claims(CAST(NEW.document AS jsonb)) AS now ON now.id = was.id AND now.claims <> was.claims;
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE CONSTRAINT TRIGGER workspace_claims_changed AFTER UPDATE OF document ON workspace
DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (OLD.document <> NEW.document)
EXECUTE FUNCTION workspace_claims_changed();
