package sqlstore

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/tabard-auth/tabard/backend/directory"
)

// maxStatement is the longest statement that D1 accepts, in bytes.
const maxStatement = 100_000

const (
	scriptWorkspace = upsertWorkspace + `
WHERE workspace.document <> excluded.document`

	// For a file without on_reuse: a new document, and one for each stored choice,
	// because the length of D1's statements is limited.
	scriptNewWorkspace = insertWorkspace + `
ON CONFLICT (one) DO NOTHING`

	scriptKnownWorkspace = `
UPDATE workspace SET revision = revision + 1, document = ?1
WHERE one = 1 AND document <> ?1 AND COALESCE(json_extract(document, '$.on_reuse'), '') = ?2`

	scriptOrganization = `
INSERT INTO organizations (id, slug, name, rules, disabled_at, created_at, attributes) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
ON CONFLICT (%s) DO UPDATE SET slug = excluded.slug, name = excluded.name, rules = excluded.rules,
	attributes = CASE WHEN excluded.attributes = '' THEN organizations.attributes ELSE excluded.attributes END,
	disabled_at = CASE WHEN excluded.disabled_at IS NULL AND organizations.disabled_by = '' THEN NULL
		ELSE COALESCE(organizations.disabled_at, excluded.disabled_at) END
WHERE organizations.deleted_at IS NULL`

	scriptUser = `
INSERT INTO users (id, iss, sub, name, email, created_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
ON CONFLICT (iss, sub) DO NOTHING`

	scriptMember = `
INSERT INTO memberships (user_id, organization_id, roles, source, created_at, attributes)
SELECT u.id, o.id, ?4, 'file', ?5, ?6 FROM users u, organizations o WHERE u.iss = ?1 AND u.sub = ?2 AND o.slug = ?3
ON CONFLICT (user_id, organization_id) DO UPDATE SET` + asMember + statedAttributes

	scriptLeavers = `
DELETE FROM memberships WHERE source = 'file'
AND organization_id = (SELECT id FROM organizations WHERE slug = ?1)
AND NOT EXISTS (SELECT 1 FROM users u WHERE u.id = memberships.user_id AND (?2))`
)

// Script returns SQLite statements with the effect of Apply, for D1, where only a file
// of statements is a transaction. Applying it again changes nothing. New rows get the
// ids generated with the script.
func Script(d directory.Desired, now int64) (string, error) {
	s := &script{now: now}
	if err := s.workspace(d.Workspace); err != nil {
		return "", fmt.Errorf("sqlstore: script: %w", err)
	}
	for _, o := range d.Organizations {
		if err := s.organization(o); err != nil {
			return "", fmt.Errorf("sqlstore: script: %w", err)
		}
	}
	return s.text.String(), nil
}

// workspace writes the document: the file's or, if that does not set on_reuse, one that
// keeps the stored value (see directory.Workspace.KeepUnsaid).
func (s *script) workspace(w directory.Workspace) error {
	add := func(statement string, choice directory.OnReuse) error {
		w.OnReuse = choice
		document, err := json.Marshal(w)
		if err == nil {
			s.add(statement, string(document), string(choice))
		}
		return err
	}
	if w.OnReuse != "" {
		return add(scriptWorkspace, w.OnReuse)
	}
	return errors.Join(
		add(scriptNewWorkspace, directory.EndUser),
		add(scriptKnownWorkspace, ""), add(scriptKnownWorkspace, directory.EndSession), add(scriptKnownWorkspace, directory.EndUser),
	)
}

func (s *script) organization(o directory.DesiredOrganization) error {
	rules, err := json.Marshal(o.Rules)
	if err != nil {
		return err
	}
	id, key := o.ID, "id"
	if id == "" {
		id, key = directory.NewID(directory.OrganizationPrefix), "slug"
	}
	var disabled any
	if o.Disabled {
		disabled = s.now
	}
	s.add(fmt.Sprintf(scriptOrganization, key), id, o.Slug, o.Name, string(rules), disabled, s.now, string(o.Attributes))
	if err := s.connections(o.Slug, o.Connections); err != nil {
		return err
	}
	s.domains(o.Slug, o.Domains)
	named := map[string][]string{} // subjects by issuer
	var issuers []string
	for m := range o.AllMembers() {
		s.add(scriptUser, directory.NewID("usr_"), m.Issuer, m.Subject, m.Name, m.Email, s.now)
		s.add(scriptMember, m.Issuer, m.Subject, o.Slug, list(m.Roles).text(), s.now, string(m.Attributes))
		if named[m.Issuer] == nil {
			issuers = append(issuers, m.Issuer)
		}
		named[m.Issuer] = append(named[m.Issuer], literal(m.Subject))
	}
	remain := []string{"FALSE"}
	for _, issuer := range issuers {
		remain = append(remain, "u.iss = "+literal(issuer)+" AND u.sub IN ("+strings.Join(named[issuer], ", ")+")")
	}
	if s.add(scriptLeavers, o.Slug, condition(strings.Join(remain, " OR "))) > maxStatement {
		return fmt.Errorf("organization %s has more members than D1 accepts in one statement", o.Slug)
	}
	return nil
}
