-- +goose Up

-- Whoever leaves an organization, by whatever way, leaves no invitation behind from
-- before they were a member: nobody sees it while they are one. It is the person's whose
-- membership ends, and nobody else's: what happens to an invitation must not tell whom
-- it names. Staff access is no membership.

-- +goose StatementBegin
CREATE FUNCTION member_left() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM invitations WHERE organization_id = OLD.organization_id AND (iss, sub) IN (
        SELECT iss, sub FROM users WHERE id = OLD.user_id
        UNION ALL SELECT connection_id, sub FROM links WHERE user_id = OLD.user_id);
    RETURN NULL;
END $$;
-- +goose StatementEnd

CREATE TRIGGER member_left AFTER DELETE ON memberships
FOR EACH ROW WHEN (OLD.source <> 'staff')
EXECUTE FUNCTION member_left();
