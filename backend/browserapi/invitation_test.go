package browserapi_test

import (
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
)

// invite creates an invitation by issuer and subject.
func (w *stored) invite(slug, iss, sub string) {
	w.Helper()
	now := w.Now().Unix()
	_, err := w.Store.Invite(w.Context(), directory.Invitation{
		ID: directory.NewID(directory.InvitationPrefix), OrganizationID: "org_" + slug, Issuer: iss, Subject: sub, Name: "Whoever",
		Roles: []string{"viewer"}, CreatedAt: now, ExpiresAt: now + directory.InvitationLife,
	})
	if err != nil {
		w.Fatal(err)
	}
}

// TestInvitation_ByConnection checks that a user who is invited at an organization's
// own provider becomes a member by signing in there, without just-in-time provisioning.
func TestInvitation_ByConnection(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("umbrella", directory.Provisioning{})
	w.invite("umbrella", "con_umbrella", "u")
	for sub, invited := range map[string]bool{"u": true, "v": false} {
		b := w.begin("umbrella", sub)
		all := w.shown(b).Organizations
		if invited != (len(all) == 1 && slices.Equal(all[0].Roles, []string{"viewer"})) {
			t.Errorf("%s: %+v", sub, all)
		}
	}
	if all := w.events(audit.AcceptInvitation); len(all) != 1 || all[0].OrganizationID != "org_umbrella" || all[0].SessionID == "" {
		t.Errorf("the trail says %+v", all)
	}
}

// TestInvitation_ConfinedSession checks that a confined session does not accept another
// organization's invitation.
func TestInvitation_ConfinedSession(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("acme", directory.Provisioning{})
	w.rule(requireConnections("acme"))
	b := w.keyed("alice")
	w.enterBy(b, "acme", "a.martin")
	w.mint(b, "acme")
	w.invite("umbrella", issuer, "alice")
	confined := w.begin("acme", "a.martin")
	if got := w.shown(confined).User.Subject; got != "alice" {
		t.Fatalf("%s is there", got)
	}
	enter := func(b *httpbrowser.Browser) httpbrowser.Response {
		return b.Post("/token", `{"organization":"umbrella","enter":true}`)
	}
	w.wants(enter(confined), http.StatusForbidden, api.OrganizationAccessDenied)
	if all := w.events(audit.AcceptInvitation); len(all) != 0 {
		t.Errorf("the trail says %+v", all)
	}
	w.Pass(time.Second)
	if got := enter(b); got.Status != http.StatusOK {
		t.Errorf("%d %s", got.Status, got.Body)
	}
}

// TestInvitation_PolicyStillDecides checks that an accepted invitation does not bypass
// the policy.
func TestInvitation_PolicyStillDecides(t *testing.T) {
	w := newBackend(t, nil)
	w.connect("umbrella", directory.Provisioning{})
	w.rule(requireConnections("umbrella"))
	w.invite("umbrella", issuer, "bob")
	b := w.keyed("bob")
	w.enterBy(b, "umbrella", "b.keller")
	if got := b.Post("/token", `{"organization":"umbrella"}`); got.Status != http.StatusOK {
		t.Errorf("%d %s", got.Status, got.Body)
	}
}
