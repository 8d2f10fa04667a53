package restore

import (
	"context"
	"iter"
	"strings"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// Kind is the kind of an item.
type Kind string

// The kinds, in the order in which they are listed.
const (
	Key        Kind = "API key"
	SigningKey Kind = "signing key"
	Staff      Kind = "staff"
	Person     Kind = "person"
	Member     Kind = "member"
)

// Kinds are all of them.
var Kinds = []Kind{Key, SigningKey, Staff, Person, Member}

// Item is a person, key or session with access, as the database has it.
type Item struct {
	Kind           Kind     `json:"kind"`
	ID             string   `json:"id"` // a person's, of a member or staff
	Name           string   `json:"name"`
	OrganizationID string   `json:"organization_id,omitempty"`
	Roles          []string `json:"roles,omitempty"`
	Since          int64    `json:"since"`
}

const page = 500

// pages reads a list by pages.
func pages[T any](read func(after string) ([]T, error), id func(T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for after, more := "", true; more; {
			all, err := read(after)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, one := range all {
				if after = id(one); !yield(one, nil) {
					return
				}
			}
			more = len(all) == page
		}
	}
}

// Items calls show for each item of a kind that has access at a time.
func Items(ctx context.Context, store Store, kind Kind, now int64, show func(Item) error) error {
	switch kind {
	case Key:
		return keys(ctx, store, now, show)
	case SigningKey:
		return signingKeys(ctx, store, now, show)
	case Person:
		return people(ctx, store, show)
	}
	for o, err := range pages(func(after string) ([]directory.OrganizationRecord, error) {
		return store.Organizations(ctx, after, page)
	}, func(o directory.OrganizationRecord) string { return o.ID }) {
		if err == nil && kind == Staff {
			err = staff(ctx, store, o.ID, now, show)
		} else if err == nil {
			err = members(ctx, store, o.ID, show)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func keys(ctx context.Context, store Store, now int64, show func(Item) error) error {
	for k, err := range pages(func(after string) ([]admin.Key, error) {
		return store.Keys(ctx, after, page)
	}, func(k admin.Key) string { return k.ID }) {
		if err == nil && k.RevokedAt == 0 && (k.ExpiresAt == 0 || k.ExpiresAt > now) {
			err = show(Item{Kind: Key, ID: k.ID, Name: k.Name, OrganizationID: k.OrganizationID, Roles: []string{string(k.Kind)}, Since: k.CreatedAt})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func signingKeys(ctx context.Context, store Store, now int64, show func(Item) error) error {
	showChain := func(chain signingkey.Chain) error {
		for i, k := range chain {
			stage := chain.Stage(i, now)
			if stage == signingkey.Gone {
				continue
			}
			if err := show(Item{Kind: SigningKey, ID: k.ID, Name: string(k.Algorithm), OrganizationID: k.Organization, Roles: []string{string(stage)}, Since: k.CreatedAt}); err != nil {
				return err
			}
		}
		return nil
	}
	chain, err := store.SigningKeys(ctx, "")
	if err == nil {
		err = showChain(chain)
	}
	if err != nil {
		return err
	}
	for issuer, err := range pages(func(after string) ([]signingkey.Issuer, error) {
		return store.SigningKeyIssuers(ctx, after, page)
	}, func(i signingkey.Issuer) string { return i.Organization }) {
		if err == nil {
			err = showChain(issuer.Keys)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func people(ctx context.Context, store Store, show func(Item) error) error {
	for u, err := range pages(func(after string) ([]directory.UserRecord, error) {
		return store.Users(ctx, after, page)
	}, func(u directory.UserRecord) string { return u.ID }) {
		if err == nil && u.DisabledAt == 0 {
			err = show(Item{Kind: Person, ID: u.ID, Name: nameOf(u.User), Since: u.CreatedAt})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func members(ctx context.Context, store Store, organization string, show func(Item) error) error {
	for m, err := range pages(func(after string) ([]directory.MemberRecord, error) {
		return store.Members(ctx, organization, after, page)
	}, func(m directory.MemberRecord) string { return m.ID }) {
		if err == nil && m.DisabledAt == 0 && !m.User.Disabled {
			err = show(Item{Kind: Member, ID: m.ID, Name: nameOf(m.User), OrganizationID: organization, Roles: m.Roles, Since: m.CreatedAt})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func staff(ctx context.Context, store Store, organization string, now int64, show func(Item) error) error {
	for s, err := range pages(func(after string) ([]directory.StaffRecord, error) {
		return store.Staff(ctx, organization, after, now, page)
	}, func(s directory.StaffRecord) string { return s.ID }) {
		if err == nil {
			err = show(Item{Kind: Staff, ID: s.ID, Name: nameOf(s.User), OrganizationID: organization, Roles: s.Roles, Since: s.CreatedAt})
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// nameOf is how people know a person.
func nameOf(u directory.User) string {
	return strings.TrimSpace(u.Name + " " + u.Email)
}
