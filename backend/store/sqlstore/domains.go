package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/tabard-auth/tabard/backend/directory"
)

const (
	domainColumns = `d.organization_id, d.name, d.token, d.source, d.created_at, d.verified_at, d.checked_at, d.problem`

	selectDomain = `
SELECT ` + domainColumns + ` FROM domains d WHERE d.organization_id = ?1 AND d.name = ?2`

	selectDomains = `
SELECT ` + domainColumns + ` FROM domains d WHERE d.organization_id = ?1 AND d.name > ?2 ORDER BY d.name LIMIT ?3`

	selectDueDomains = `
SELECT ` + domainColumns + ` FROM domains d
WHERE d.tried_at <= ?2 AND (d.verified_at IS NULL OR d.checked_at <= ?1)
ORDER BY d.tried_at, d.organization_id, d.name LIMIT ?3`

	insertDomain = `
INSERT INTO domains (organization_id, name, token, source, created_at)
SELECT o.id, ?2, ?3, ?4, ?5 FROM organizations o WHERE o.id = ?1 AND o.deleted_at IS NULL
	AND (SELECT COUNT(*) FROM domains d WHERE d.organization_id = ?1) < ?6
ON CONFLICT (organization_id, name) DO NOTHING`

	// Does nothing if another organization has verified the domain: a unique index
	// decides between two at once.
	verifyDomain = `
UPDATE domains SET verified_at = COALESCE(verified_at, ?4), checked_at = ?4, tried_at = ?4, problem = ''
WHERE organization_id = ?1 AND name = ?2 AND token = ?3
	AND NOT EXISTS (SELECT 1 FROM domains other WHERE other.name = ?2 AND other.organization_id <> ?1 AND other.verified_at IS NOT NULL)`

	unverifyDomain = `
UPDATE domains SET verified_at = NULL, checked_at = ?3, tried_at = ?3, problem = ?4 WHERE organization_id = ?1 AND name = ?2`

	noteDomain = `
UPDATE domains SET problem = ?3, tried_at = ?4 WHERE organization_id = ?1 AND name = ?2`

	deleteDomain = `
DELETE FROM domains WHERE organization_id = ?1 AND name = ?2`

	forgetDomains = `
DELETE FROM domains WHERE organization_id = ?1`

	selectByDomain = `
SELECT` + connectionColumns + `
FROM domains d JOIN organizations o ON o.id = d.organization_id JOIN connections c ON c.id = o.connection
WHERE d.name = ?1 AND d.verified_at IS NOT NULL AND o.disabled_at IS NULL AND c.deleted_at IS NULL`
)

// domains stores the domains of organizations.
type domains struct{ *database }

// ConnectionByDomain implements signin.Store.
func (s domains) ConnectionByDomain(ctx context.Context, name string) (directory.Connection, error) {
	c, err := scanConnection(s.row(ctx, selectByDomain, name))
	return c, found("connection of a domain", err, directory.ErrNoConnection)
}

// Domain returns a domain of an organization, or directory.ErrNoDomain.
func (s domains) Domain(ctx context.Context, organizationID, name string) (directory.Domain, error) {
	d, err := scanDomain(s.row(ctx, selectDomain, organizationID, name))
	return d, found("domain", err, directory.ErrNoDomain)
}

// DomainsOf returns an organization's domains by name, starting after one, at most limit.
func (s domains) DomainsOf(ctx context.Context, organizationID, after string, limit int) ([]directory.Domain, error) {
	return collect(ctx, s, "domains", scanDomain, selectDomains, organizationID, after, limit)
}

// DueDomains returns the domains of all organizations that were last looked up at tried
// or before, at most limit, those that have waited longest first. A verified domain is
// due if DNS also last answered at answered or before.
func (s domains) DueDomains(ctx context.Context, answered, tried int64, limit int) ([]directory.Domain, error) {
	return collect(ctx, s, "due domains", scanDomain, selectDueDomains, answered, tried, limit)
}

// CreateDomain stores a domain that is not verified. The error is
// directory.ErrDomainExists, ErrTooMany or ErrNoOrganization.
func (s domains) CreateDomain(ctx context.Context, d directory.Domain) error {
	created, err := s.changed(ctx, "create domain", insertDomain, d.OrganizationID, d.Name, d.Token, domainSource(d), d.CreatedAt, directory.MaxDomains)
	if err != nil || created {
		return err
	}
	stored, err := s.Domain(ctx, d.OrganizationID, d.Name)
	switch {
	case err == nil && stored.Token == d.Token: // the reply to an earlier call was lost
		return nil
	case err == nil:
		return directory.ErrDomainExists
	case !errors.Is(err, directory.ErrNoDomain):
		return err
	}
	var n int
	if err := s.row(ctx, `SELECT COUNT(*) FROM domains WHERE organization_id = ?1`, d.OrganizationID).Scan(&n); err != nil {
		return fmt.Errorf("sqlstore: create domain: %w", err)
	}
	if n >= directory.MaxDomains {
		return directory.ErrTooMany
	}
	return directory.ErrNoOrganization
}

// VerifyDomain stores that the domain's record is in DNS, and reports whether the domain
// is verified: it is not if another organization has verified it before.
func (s domains) VerifyDomain(ctx context.Context, d directory.Domain, now int64) (bool, error) {
	verified, err := s.changed(ctx, "verify domain", verifyDomain, d.OrganizationID, d.Name, d.Token, now)
	if err == nil {
		return verified, nil
	}
	// Another organization may have verified it in the same moment.
	if taken, other := s.verifiedBy(ctx, d.Name); other == nil && taken != "" && taken != d.OrganizationID {
		return false, nil
	}
	return false, err
}

// verifiedBy returns the id of the organization that has verified a domain, or
// "".
func (s domains) verifiedBy(ctx context.Context, name string) (id string, err error) {
	err = s.row(ctx, `SELECT organization_id FROM domains WHERE name = ?1 AND verified_at IS NOT NULL`, name).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return id, err
}

// UnverifyDomain stores that a check did not verify the domain.
func (s domains) UnverifyDomain(ctx context.Context, d directory.Domain, problem directory.DomainProblem, now int64) error {
	return s.change(ctx, "unverify domain", unverifyDomain, d.OrganizationID, d.Name, now, string(problem))
}

// NoteDomain stores a problem that changes nothing else.
func (s domains) NoteDomain(ctx context.Context, d directory.Domain, problem directory.DomainProblem, now int64) error {
	return s.change(ctx, "note domain", noteDomain, d.OrganizationID, d.Name, string(problem), now)
}

// DeleteDomain deletes a domain. The error is directory.ErrNoDomain or ErrFromFile.
func (s domains) DeleteDomain(ctx context.Context, organizationID, name string) error {
	stored, err := s.Domain(ctx, organizationID, name)
	if err == nil && stored.FromFile {
		err = directory.ErrFromFile
	}
	if err != nil {
		return err
	}
	return s.change(ctx, "delete domain", deleteDomain, organizationID, name)
}

func scanDomain(row scanner) (directory.Domain, error) {
	var d directory.Domain
	var source, problem string
	var verified sql.NullInt64
	err := row.Scan(&d.OrganizationID, &d.Name, &d.Token, &source, &d.CreatedAt, &verified, &d.CheckedAt, &problem)
	d.FromFile, d.VerifiedAt, d.Problem = source == fromFile, verified.Int64, directory.DomainProblem(problem)
	return d, err
}

func domainSource(d directory.Domain) string {
	if d.FromFile {
		return fromFile
	}
	return fromAdmin
}
