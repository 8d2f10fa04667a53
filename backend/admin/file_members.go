package admin

import (
	"context"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
)

// FileMembers are the members of an organization in a workspace file, and the user ids
// of those that it no longer names. Together they have at most MaxLimit entries.
type FileMembers struct {
	Members []FileMember `json:"members,omitempty"`
	Removed []string     `json:"removed,omitempty"`
}

// FileMember is a person in a workspace file.
type FileMember struct {
	Issuer  string   `json:"iss"`
	Subject string   `json:"sub"`
	Name    string   `json:"name,omitempty"`
	Email   string   `json:"email,omitempty"`
	Roles   []string `json:"roles"`
	// Attributes, if null, leave those that the member has.
	Attributes Attributes `json:"attributes,omitzero"`
}

// attributes returns the member's attributes as a store takes them.
func (m FileMember) attributes() directory.Attributes {
	if m.Attributes == nil {
		return ""
	}
	return directory.NewAttributes(m.Attributes)
}

func (f FileMembers) check(w *directory.Workspace) error {
	if n := len(f.Members) + len(f.Removed); n < 1 || n > MaxLimit {
		return refuse(api.InvalidRequest, "members and removed must have from 1 to %d entries together.", MaxLimit)
	}
	for _, m := range f.Members {
		if m.Subject == "" || m.Issuer == "" || m.Roles == nil {
			return refuse(api.InvalidRequest, "Every member needs iss, sub and roles.")
		}
		if err := (NewMember{Issuer: m.Issuer, Subject: m.Subject, Name: m.Name, Email: m.Email}).check(); err != nil {
			return err
		}
		if err := w.CheckGiven(m.Roles); err != nil {
			return err
		}
		if err := w.CheckAttributes(directory.OfMember, m.Attributes); err != nil {
			return err
		}
		if err := m.attributes().CheckSize(); err != nil {
			return err
		}
	}
	for _, id := range f.Removed {
		if id == "" || !validID(id) {
			return directory.ErrNoUser
		}
	}
	return nil
}

// ApplyMembers sets and removes memberships for a workspace file. It may be repeated.
// All entries are checked before any change; after a failure the next call does the
// rest.
func (o *members) ApplyMembers(ctx context.Context, by Actor, organization string, f FileMembers) (Empty, error) {
	return run(ctx, o.base, by, &operation{action: audit.ApplyFile, scope: workspaceScope, organization: organization},
		func(ctx context.Context, r directory.OrganizationRecord) (Empty, error) {
			w, err := o.store.Workspace(ctx)
			if err != nil {
				return Empty{}, err
			}
			if err := f.check(w); err != nil {
				return Empty{}, err
			}
			if err := o.checkIssuers(ctx, r.ID, f.Members); err != nil {
				return Empty{}, err
			}
			return Empty{}, o.store.ChangeFileMembers(ctx, r.ID, f.members(), f.Removed, o.now().Unix())
		})
}

// members returns the members as a store takes them.
func (f FileMembers) members() []directory.Member {
	all := make([]directory.Member, len(f.Members))
	for i, m := range f.Members {
		all[i] = directory.Member{
			User:  directory.User{Issuer: m.Issuer, Subject: m.Subject, Name: m.Name, Email: m.Email},
			Roles: m.Roles, Attributes: m.attributes(),
		}
	}
	return all
}

// checkIssuers is checkIssuer for the issuers of members, each once.
func (o *members) checkIssuers(ctx context.Context, organizationID string, all []FileMember) error {
	checked := map[string]bool{}
	for _, m := range all {
		if checked[m.Issuer] {
			continue
		}
		checked[m.Issuer] = true
		if err := o.checkIssuer(ctx, organizationID, m.Issuer); err != nil {
			return err
		}
	}
	return nil
}
