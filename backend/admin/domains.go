package admin

import (
	"context"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/domain"
)

// DomainStore stores the domains of organizations.
type DomainStore interface {
	DomainChecks
	// Domain returns a domain of an organization, or directory.ErrNoDomain.
	Domain(ctx context.Context, organizationID, name string) (directory.Domain, error)
	// DomainsOf returns an organization's domains by name, starting after the given one,
	// at most limit.
	DomainsOf(ctx context.Context, organizationID, after string, limit int) ([]directory.Domain, error)
	// CreateDomain stores a domain that is not verified. Errors:
	// directory.ErrDomainExists, ErrTooMany.
	CreateDomain(ctx context.Context, d directory.Domain) error
	// DeleteDomain deletes a domain. Errors: directory.ErrNoDomain, ErrFromFile.
	DeleteDomain(ctx context.Context, organizationID, name string) error
}

// DomainChecks stores the results of checks.
type DomainChecks interface {
	// VerifyDomain stores that the domain's record is in DNS. It reports false if another
	// organization has verified the domain before.
	VerifyDomain(ctx context.Context, d directory.Domain, now int64) (bool, error)
	// UnverifyDomain stores that a check did not verify the domain.
	UnverifyDomain(ctx context.Context, d directory.Domain, problem directory.DomainProblem, now int64) error
	// NoteDomain stores a problem that changes nothing else.
	NoteDomain(ctx context.Context, d directory.Domain, problem directory.DomainProblem, now int64) error
	RecordEvent(ctx context.Context, e audit.Event) error
}

// Domain is a domain of an organization in the form for administrators.
type Domain struct {
	Domain   string           `json:"domain"`
	Source   directory.Source `json:"source"`
	Verified bool             `json:"verified"`
	// Record is the DNS record that verifies the domain, as long as it is there.
	Record     DomainRecord `json:"record"`
	CreatedAt  int64        `json:"created_at"`
	VerifiedAt int64        `json:"verified_at,omitempty"`
	// CheckedAt is when DNS last answered.
	CheckedAt int64 `json:"checked_at,omitempty"`
	// Problem is why the last check did not verify the domain.
	Problem directory.DomainProblem `json:"problem,omitempty"`
}

// DomainRecord is a DNS record.
type DomainRecord struct {
	Type  string `json:"type"`
	Name  string `json:"name"`
	Value string `json:"value"`
}

// NewDomain is a request for a new domain.
type NewDomain struct {
	Domain string `json:"domain"`
}

func domainOf(d directory.Domain) Domain {
	shown := Domain{
		Domain: d.Name, Source: directory.FromAdmin, Verified: d.VerifiedAt != 0, CreatedAt: d.CreatedAt,
		VerifiedAt: d.VerifiedAt, CheckedAt: d.CheckedAt, Problem: d.Problem,
		Record: DomainRecord{"TXT", domain.RecordName(d.Name), domain.RecordText(d.Token)},
	}
	if d.FromFile {
		shown.Source = directory.FromFile
	}
	return shown
}

// normalDomain returns the normalized name of a domain.
func normalDomain(name string) (string, error) {
	normal, err := domain.Normalize(name)
	if err != nil {
		return "", refuse(api.InvalidRequest, "domain: %s.", err)
	}
	return normal, nil
}

// Domains lists an organization's domains by name.
func (o *domains) Domains(ctx context.Context, by Actor, organization string, p Page) (List[Domain], error) {
	return run(ctx, o.base, by, &operation{action: audit.ReadDomain, organization: organization},
		func(ctx context.Context, r directory.OrganizationRecord) (List[Domain], error) {
			return paginate(p, func(after string, limit int) ([]directory.Domain, error) {
				return o.store.DomainsOf(ctx, r.ID, after, limit)
			}, domainOf, func(d directory.Domain) string { return d.Name })
		})
}

// Domain returns one domain.
func (o *domains) Domain(ctx context.Context, by Actor, organization, name string) (Domain, error) {
	return o.on(ctx, by, audit.ReadDomain, organization, name, func(_ context.Context, d directory.Domain) (Domain, error) {
		return domainOf(d), nil
	})
}

// CreateDomain adds a domain to an organization. It leads nobody there until a check has
// found its record.
func (o *domains) CreateDomain(ctx context.Context, by Actor, organization string, n NewDomain) (Domain, error) {
	a := &operation{action: audit.CreateDomain, organization: organization}
	return run(ctx, o.base, by, a, func(ctx context.Context, r directory.OrganizationRecord) (Domain, error) {
		name, err := normalDomain(n.Domain)
		if err != nil {
			return Domain{}, err
		}
		a.note = name
		d := directory.Domain{OrganizationID: r.ID, Name: name, Token: directory.NewDomainToken(), CreatedAt: o.now().Unix()}
		return domainOf(d), o.store.CreateDomain(ctx, d)
	})
}

// DeleteDomain removes a domain from an organization.
func (o *domains) DeleteDomain(ctx context.Context, by Actor, organization, name string) (Empty, error) {
	return onDomain(ctx, o, by, audit.DeleteDomain, organization, name, func(ctx context.Context, d directory.Domain) (Empty, error) {
		return Empty{}, o.store.DeleteDomain(ctx, d.OrganizationID, d.Name)
	})
}

// CheckDomain looks a domain's record up now.
func (o *domains) CheckDomain(ctx context.Context, by Actor, organization, name string) (Domain, error) {
	return o.on(ctx, by, audit.CheckDomain, organization, name, func(ctx context.Context, d directory.Domain) (Domain, error) {
		if o.resolver == nil {
			return Domain{}, refuse(api.TemporarilyUnavailable, "This host cannot look up DNS records.")
		}
		if err := CheckDomain(ctx, o.store, o.resolver, d, o.now().Unix()); err != nil {
			return Domain{}, err
		}
		d, err := o.store.Domain(ctx, d.OrganizationID, d.Name)
		return domainOf(d), err
	})
}

func (o *domains) on(ctx context.Context, by Actor, action audit.Action, organization, name string, do func(context.Context, directory.Domain) (Domain, error)) (Domain, error) {
	return onDomain(ctx, o, by, action, organization, name, do)
}

// onDomain runs an operation on a domain of an organization.
func onDomain[T any](ctx context.Context, o *domains, by Actor, action audit.Action, organization, name string, do func(context.Context, directory.Domain) (T, error)) (T, error) {
	a := &operation{action: action, organization: organization}
	return run(ctx, o.base, by, a, func(ctx context.Context, r directory.OrganizationRecord) (T, error) {
		var nothing T
		normal, err := domain.Normalize(name)
		if err != nil {
			return nothing, directory.ErrNoDomain
		}
		a.note = normal
		d, err := o.store.Domain(ctx, r.ID, normal)
		if err != nil {
			return nothing, err
		}
		return do(ctx, d)
	})
}

// CheckDomain looks a domain's record up and stores the result: a domain whose record is
// not there is not verified any more. If DNS does not answer, the domain stays as it is
// for unknownDomain seconds.
func CheckDomain(ctx context.Context, store DomainChecks, r domain.Resolver, d directory.Domain, now int64) error {
	there, err := domain.Published(ctx, r, d.Name, d.Token)
	problem := directory.RecordMissing
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && (d.VerifiedAt == 0 || now-d.CheckedAt <= unknownDomain):
		return store.NoteDomain(ctx, d, directory.DNSUnavailable, now)
	case err != nil:
		problem = directory.DNSUnavailable
	case there:
		verified, err := store.VerifyDomain(ctx, d, now)
		if err != nil {
			return err
		}
		if verified && d.VerifiedAt == 0 {
			return recordDomain(ctx, store, audit.VerifyDomain, d, "", now)
		}
		if verified {
			return nil
		}
		problem = directory.DomainTaken
	}
	if err := store.UnverifyDomain(ctx, d, problem, now); err != nil || d.VerifiedAt == 0 {
		return err
	}
	return recordDomain(ctx, store, audit.LoseDomain, d, problem, now)
}

// unknownDomain is how long, in seconds, a domain stays verified while DNS does not
// answer.
const unknownDomain = 7 * 24 * 60 * 60

func recordDomain(ctx context.Context, store DomainChecks, action audit.Action, d directory.Domain, problem directory.DomainProblem, now int64) error {
	return store.RecordEvent(ctx, audit.Event{
		ID: directory.NewID("evt_"), At: now, Action: action, Outcome: audit.Done, Reason: string(problem), Actor: audit.Server,
		OrganizationID: d.OrganizationID, Note: d.Name,
	})
}
