//go:build !js && long

package main_test

import (
	"fmt"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
	"github.com/tabard-auth/tabard/backend/remote"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// TestRemoteApply_OnD1 applies a whole workspace file to a Worker by its administration API,
// twice.
func TestRemoteApply_OnD1(t *testing.T) {
	workerd.Must(t, workerd.Build())
	t.Setenv("REMOTE_SECRET", "hush")
	port := ports.Hold(t)
	origin := fmt.Sprintf("http://localhost:%d", port)
	publicURL := origin + "/auth"
	issuer := contract.Provider(t, publicURL, origin)
	variables := workerd.Variables(publicURL, issuer, contract.ClientID, contract.ClientSecret)
	key, script := adminKey(t, variables)
	state := workerd.Database(t, directory.Desired{})
	workerd.Must(t, workerd.Fill(state, script))
	workerd.Run(t, workerd.Options{Port: port, State: state, Variables: variables})

	desired, err := workspacefile.Parse([]byte(`
issuer: ` + issuer + `
sign_in: {session_cookie: true, max_sessions: 3}
apps:
- {id: demo, name: Demo, origins: ["` + origin + `"], audience: "` + origin + `/api", claims: {tenant: org_id, plan: {organization: plan}, Level: {member: level, type: number}}}
roles: {viewer: [notes:read], Editor: [notes:read, notes:write]}
organizations:
- slug: acme
  name: Acme
  attributes: {plan: pro}
  policy: {connection: con_a}
  domains: [a.example, b.example]
  connections: [{id: con_a, issuer: https://a.example, client_id: tabard, client_secret: {env: REMOTE_SECRET}, claim: groups, groups: {Staff: [Editor]}}]
  members: [{iss: con_a, sub: ann, roles: [Editor], attributes: {level: 3}}, {sub: bob, roles: [viewer]}]
- {slug: globex, name: Globex, members: [{sub: bob, roles: []}]}
`))
	workerd.Must(t, err)
	secrets, err := workspacefile.ReadSecrets(desired)
	workerd.Must(t, err)
	client, err := remote.New(publicURL, key, nil)
	workerd.Must(t, err)
	want := directory.Changes{
		Workspace: true, Organizations: directory.Count{Added: 2}, Members: directory.Count{Added: 3},
		Connections: directory.Count{Added: 1}, Domains: directory.Count{Added: 2},
	}
	for _, want := range []directory.Changes{want, {}} {
		var lines []string
		got, err := client.Apply(t.Context(), desired, remote.ApplyOptions{
			Secrets: secrets, OnDifference: func(d directory.Difference) { lines = append(lines, d.String()) },
		})
		if err != nil || got != want {
			t.Errorf("%+v, %v\n%v", got, err, lines)
		}
	}
	large := directory.Desired{Workspace: desired.Workspace, Organizations: []directory.DesiredOrganization{{Organization: directory.Organization{Slug: "large", Name: "Large"}}}}
	for i := range 6000 {
		u := directory.User{Issuer: issuer, Subject: fmt.Sprintf("person-%d", i), Name: fmt.Sprintf("Person %d", i), Email: fmt.Sprintf("person-%d@example.com", i)}
		large.Organizations[0].Members = append(large.Organizations[0].Members, directory.Member{User: u, Roles: []string{"viewer"}})
	}
	for _, want := range []directory.Changes{{Organizations: directory.Count{Added: 1}, Members: directory.Count{Added: 6000}}, {}} {
		if got, err := client.Apply(t.Context(), large, remote.ApplyOptions{}); err != nil || got != want {
			t.Errorf("6,000 members: %+v, %v", got, err)
		}
	}
}
