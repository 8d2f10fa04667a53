package browserapi_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
)

// TestSession_ListsEveryOrganization: a person of more organizations than one answer has
// gets to all of them, once each and in the order of their names.
func TestSession_ListsEveryOrganization(t *testing.T) {
	const n = 2100
	w := newBackend(t, nil)
	d := desired()
	alice := directory.User{Issuer: issuer, Subject: "alice"}
	for i := range n {
		id := fmt.Sprintf("many%04d", n-i)
		d.Organizations = append(d.Organizations, directory.DesiredOrganization{
			Organization: directory.Organization{ID: "org_" + id, Slug: id, Name: fmt.Sprintf("Many %d", i/3)},
			Members:      []directory.Member{{User: alice, Roles: []string{"viewer"}}},
		})
	}
	w.Apply(d)
	b := w.signedIn("alice")
	var names []string
	seen := map[string]bool{}
	answers := 0
	for path := "/session"; path != ""; answers++ {
		var page api.SessionResponse
		b.Get(path).JSON(t, &page)
		for _, o := range page.Organizations {
			names = append(names, o.Name)
			if seen[o.ID] {
				t.Errorf("%s is listed twice", o.ID)
			}
			seen[o.ID] = true
		}
		if path = ""; page.Next != "" {
			path = "/session?after=" + page.Next
		}
	}
	if len(seen) != n+3 || answers != 3 || !slices.IsSorted(names) {
		t.Errorf("%d organizations in %d answers, sorted %v", len(seen), answers, slices.IsSorted(names))
	}
	for _, after := range []string{"org_nowhere", "%00", "a'b", "acme"} {
		var page api.SessionResponse
		if got := b.Get("/session?after=" + after); got.Status != http.StatusOK {
			t.Errorf("after %s: %d", after, got.Status)
		} else if got.JSON(t, &page); len(page.Organizations) != 0 || page.Next != "" {
			t.Errorf("after %s: %d organizations", after, len(page.Organizations))
		}
	}
}
