package main

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/tabard-auth/tabard/web-demo/idp"
)

//go:embed workspace.yaml
var workspaceText string

// The addresses that workspace.yaml is written for.
const (
	writtenOrigin   = "http://localhost:8080"
	writtenReports  = "http://localhost:8090"
	writtenProvider = "http://127.0.0.1:8081"
	writtenState    = ".run/"
)

// withoutOrganization is a person who can sign in and belongs to no organization.
var withoutOrganization = idp.Person{Subject: "carol", Name: "Carol Dubois", Email: "carol@example.com"}

// northwind has its own provider: the path of its issuer, its connection, the file of
// its client's secret, and its people. Nina has an account there only; Dana has one at
// the workspace's provider too.
var northwind = struct {
	path, connection, secretFile string
	people                       []idp.Person
}{
	"/northwind", "con_northwind", "northwind.secret", []idp.Person{
		{Subject: "d.novak", Name: "Dana Novak (Northwind)", Email: "d.novak@northwind.example"},
		{Subject: "n.owens", Name: "Nina Owens", Email: "n.owens@northwind.example"},
	},
}

// workspace is the part of the workspace file that the demo reads.
type workspace struct {
	text          string
	Organizations []struct {
		ID, Slug, Name string
		Members        []member
	}
}

type member struct {
	Iss, Sub, Name, Email string
	Roles                 []string
}

// newWorkspace puts the demo's addresses into the workspace file. The page's first origin is
// its own.
func newWorkspace(origins []string, reports, provider, state string) (workspace, error) {
	origin := origins[0]
	folder := strings.Trim(strconv.Quote(filepath.ToSlash(state)+"/"), `"`) // as YAML quotes too
	listed := make([]string, len(origins))
	for i, each := range origins {
		listed[i] = strconv.Quote(each)
	}
	replacer := strings.NewReplacer("["+writtenOrigin+"]", "["+strings.Join(listed, ", ")+"]", writtenOrigin, origin, writtenReports, reports, writtenProvider, provider, writtenState, folder)
	w := workspace{text: replacer.Replace(workspaceText)}
	if err := yaml.Unmarshal([]byte(w.text), &w); err != nil {
		return workspace{}, fmt.Errorf("workspace.yaml: %w", err)
	}
	return w, nil
}

// several returns the workspace with apps that let several people be signed in in one browser.
func (w workspace) several() workspace {
	w.text = strings.NewReplacer("  - id: demo\n", "  - id: demo\n    accounts: several\n", "  - id: reports\n", "  - id: reports\n    accounts: several\n").Replace(w.text)
	return w
}

// write saves the file for `tabard apply`, and the secret that it points to, and
// returns its path.
func (w workspace) write(dir, clientSecret string) (string, error) {
	path := filepath.Join(dir, "workspace.yaml")
	return path, errors.Join(os.WriteFile(path, []byte(w.text), 0o600),
		os.WriteFile(filepath.Join(dir, northwind.secretFile), []byte(clientSecret), 0o600))
}

// starts returns the first pages at the page's origins: one for each organization at that
// which names it.
func (w workspace) starts(origins []string) (all []string) {
	for _, origin := range origins {
		before, after, names := strings.Cut(origin, ":organization")
		if !names {
			all = append(all, origin+"/")
			continue
		}
		for _, organization := range w.Organizations {
			all = append(all, before+organization.Slug+after+"/")
		}
	}
	return all
}

// people returns the members in the order of the file, and the person without an
// organization.
func (w workspace) people() []idp.Person {
	var people []idp.Person
	for _, organization := range w.Organizations {
		for _, m := range organization.Members {
			person := idp.Person{Subject: m.Sub, Name: m.Name, Email: m.Email}
			if !slices.Contains(people, person) {
				people = append(people, person)
			}
		}
	}
	return append(people, withoutOrganization)
}

// memberships describes a person's organizations and roles.
func (w workspace) memberships(subject string) string {
	var list []string
	for _, organization := range w.Organizations {
		for _, m := range organization.Members {
			if m.Sub == subject {
				list = append(list, organization.Name+" ("+strings.Join(m.Roles, ", ")+")")
			}
		}
	}
	if len(list) == 0 {
		return "no organization yet"
	}
	return strings.Join(list, ", ")
}

// firstNotes are there from the start, so that every organization looks its own.
var firstNotes = map[string][]string{
	"org_acme": {
		"Board meeting moved to Thursday, 10:00. The numbers are in the shared folder.",
		"The new price list goes out on Monday. Please don't quote the old one any more.",
		"Welcome to the team, Jonas! He starts in purchasing.",
	},
	"org_globex": {
		"MV Aurora left Rotterdam two hours late; Hamburg knows.",
		"Container 4471 is held at customs. The papers are with Bob.",
	},
	"org_initech": {
		"Sample 12 is stable at 40 °C after six weeks.",
		"The centrifuge is back from service; book it in the calendar as before.",
		"Fire drill on Wednesday at 14:30.",
	},
	"org_northwind": {
		"The spring catalog is at the printer's. Proofs hang in the hall.",
		"Nina looks after the Lisbon warehouse from now on.",
	},
	"org_lamna": {
		"The auditors come on Tuesday. Meeting room 2 is theirs.",
		"Transfers above 10,000 need two signatures from Monday on.",
	},
}
