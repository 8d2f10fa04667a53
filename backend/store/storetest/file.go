package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tabard-auth/tabard/backend/directory"
)

// File is the part of the store that takes a workspace file by the administration API.
type File interface {
	WorkspaceDocument(ctx context.Context) (*directory.Workspace, error)
	SetWorkspace(ctx context.Context, w directory.Workspace) error
	ApplySettings(ctx context.Context, o directory.DesiredOrganization, now int64, dryRun bool) ([]directory.Difference, error)
	ChangeFileMembers(ctx context.Context, organizationID string, set []directory.Member, removed []string, now int64) error
}

func changesFileMembers(s *suite) {
	carol := s.person("carol")
	s.must(s.Admit(s.ctx, directory.Admission{Organization: "org_acme", UserID: carol.ID, Roles: []string{}}, Now))
	alice := directory.Member{User: s.person("alice"), Roles: []string{"admin"}}
	set := []directory.Member{alice, alice}
	for i := range 150 {
		u := directory.User{Issuer: carol.Issuer, Subject: fmt.Sprintf("member %d", i), Name: "New", Email: "new@example.com"}
		set = append(set, directory.Member{User: u, Roles: []string{"viewer"}, Attributes: `{"level":1}`})
	}
	byFile := func() map[string]directory.MemberRecord {
		all, err := s.Members(s.ctx, "org_acme", "", 1000)
		s.must(err)
		found := map[string]directory.MemberRecord{}
		for _, m := range all {
			if m.Source == directory.FromFile {
				found[m.Subject] = m
			}
		}
		return found
	}
	before := len(byFile())
	for range 2 { // it may be repeated
		s.must(s.ChangeFileMembers(s.ctx, "org_acme", set, nil, Now))
		all := byFile()
		last := all["member 149"]
		s.is(len(all), before+150)
		s.is([]any{last.Name, last.Email, last.Roles, last.Attributes}, []any{"New", "new@example.com", []string{"viewer"}, directory.Attributes(`{"level":1}`)})
	}
	removed := []string{carol.ID} // who is no member of the file
	for subject, m := range byFile() {
		if strings.HasPrefix(subject, "member ") {
			removed = append(removed, m.ID)
		}
	}
	s.must(s.ChangeFileMembers(s.ctx, "org_acme", nil, removed, Now))
	s.is(len(byFile()), before)
	_, err := s.Member(s.ctx, "org_acme", carol.ID)
	s.must(err)
}

func replacesTheDocument(s *suite) {
	w, err := s.WorkspaceDocument(s.ctx)
	s.must(err)
	before := *w
	w.Roles = map[string][]string{"viewer": {"read"}}
	s.must(s.SetWorkspace(s.ctx, *w))
	s.is(s.SetWorkspace(s.ctx, before), directory.ErrOvertaken)
	before.Revision = 0
	s.is(s.SetWorkspace(s.ctx, before), directory.ErrOvertaken)
	got, err := s.Workspace(s.ctx)
	s.must(err)
	s.is(got.Roles, w.Roles)
	s.is(got.Revision, w.Revision+1)
}

// settings returns acme with connections, each "ID SECRET" and perhaps "disabled", and
// domains.
func settings(organization string, domains []string, connections ...string) directory.DesiredOrganization {
	o := directory.DesiredOrganization{Organization: directory.Organization{ID: "org_" + organization, Slug: organization}, Domains: domains}
	for _, text := range connections {
		words := strings.Fields(text)
		c := connection(words[0])
		c.SealedSecret, c.Enabled, c.FromFile = words[1], len(words) == 2, true
		o.Connections = append(o.Connections, directory.DesiredConnection{Connection: c})
	}
	return o
}

func appliesSettings(s *suite) {
	for _, step := range []struct {
		connections, domains []string
		differences, left    string
	}{
		{[]string{"con_a s"}, []string{"a.example"}, "+con_a +a.example", "con_a s enabled, a.example"},
		{[]string{"con_a s"}, []string{"a.example"}, "", "con_a s enabled, a.example"},
		{[]string{"con_a t"}, []string{"a.example", "b.example"}, "~con_a +b.example", "con_a t enabled, a.example, b.example"},
		{[]string{"con_a t disabled", "con_b s"}, []string{"b.example"}, "~con_a +con_b -a.example", "con_a t, con_b s enabled, b.example"},
		{[]string{"con_a t"}, nil, "~con_a -con_b -b.example", "con_a t enabled, con_b s admin"},
		{nil, nil, "-con_a", "con_a t admin, con_b s admin"},
	} {
		o := settings("acme", step.domains, step.connections...)
		for _, dry := range []bool{true, false, false} {
			got, err := s.ApplySettings(s.ctx, o, Now, dry)
			s.must(err)
			want := step.differences
			if !dry {
				step.differences = ""
			}
			s.is(namesOf(got), want)
		}
		s.is(s.settingsOf("org_acme"), step.left)
	}
	s.claimedDomain("org_acme", "own.example") // an administrator's stays, and is the file's once it is named
	_, err := s.ApplySettings(s.ctx, settings("acme", nil), Now, false)
	s.must(err)
	s.is(s.settingsOf("org_acme"), "con_a t admin, con_b s admin, own.example")
}

func refusesForeignSettings(s *suite) {
	_, err := s.ApplySettings(s.ctx, settings("acme", nil, "con_a s"), Now, false)
	s.must(err)
	for _, o := range []directory.DesiredOrganization{settings("globex", []string{"globex.example"}, "con_a s"), settings("acme", nil, "con_a s")} {
		if o.Slug == "acme" {
			o.Connections[0].Issuer = "https://another.test"
		}
		_, err := s.ApplySettings(s.ctx, o, Now, false)
		if conflicts := (directory.Conflicts{}); !errors.As(err, &conflicts) {
			s.Errorf("%s: %v", o.Slug, err)
		}
	}
	s.is(s.settingsOf("org_globex"), "")
	s.is(s.found("con_a").Issuer, connection("con_a").Issuer)
}

func namesOf(all []directory.Difference) string {
	var words []string
	for _, d := range all {
		words = append(words, string(d.Kind)+d.Name)
	}
	return strings.Join(words, " ")
}

// settingsOf returns the connections and domains of an organization.
func (s *suite) settingsOf(id string) string {
	s.Helper()
	connections, err := s.ConnectionsOf(s.ctx, id, "", 10)
	s.must(err)
	var words []string
	for _, c := range connections {
		word := c.ID + " " + c.SealedSecret
		if c.Enabled {
			word += " enabled"
		}
		if !c.FromFile {
			word += " admin"
		}
		words = append(words, word)
	}
	domains, err := s.DomainsOf(s.ctx, id, "", 10)
	s.must(err)
	for _, d := range domains {
		words = append(words, d.Name)
	}
	return strings.Join(words, ", ")
}
