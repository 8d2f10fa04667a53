package workspacefile_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
	"github.com/tabard-auth/tabard/backend/policy"
)

const hour = 60 * 60

func TestPreset_StrictestWins(t *testing.T) {
	for said, want := range map[string]policy.Rules{
		"preset: aal2": {SessionAge: 24 * hour, SessionIdle: hour, OrganizationSessionAge: 24 * hour, IdleTimeout: hour, AuthenticationAge: 24 * hour},
		"preset: aal3": {SessionAge: 12 * hour, SessionIdle: 900, OrganizationSessionAge: 12 * hour, IdleTimeout: 900, AuthenticationAge: 12 * hour},
		// Stricter than the preset, before and after it.
		"session_age: 8h, preset: aal2, idle_timeout: 10m, access_ttl: 8m": {SessionAge: 8 * hour, SessionIdle: hour, OrganizationSessionAge: 24 * hour, IdleTimeout: 600, AuthenticationAge: 24 * hour, AccessTTL: 480},
		// Laxer than the preset.
		"session_idle: none, preset: aal3, session_age: 720h, authentication_age: 48h": {SessionAge: 12 * hour, SessionIdle: 900, OrganizationSessionAge: 12 * hour, IdleTimeout: 900, AuthenticationAge: 12 * hour},
		"session_idle: none": {SessionIdle: policy.NoLimit},
		"session_idle: 30m":  {SessionIdle: 1800},
	} {
		d, err := workspacefile.Parse([]byte(with("policy: {" + said + "}")))
		if err != nil {
			t.Errorf("%s: %v", said, err)
		} else if got := d.Workspace.Policy; !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n%+v, want\n%+v", said, got, want)
		}
	}
}

func TestPreset_OrganizationOnly(t *testing.T) {
	d, err := workspacefile.Parse([]byte(organization("  policy: {preset: aal3, access_ttl: 1m}")))
	if err != nil {
		t.Fatal(err)
	}
	want := policy.Rules{AccessTTL: 60, OrganizationSessionAge: 12 * hour, IdleTimeout: 900, AuthenticationAge: 12 * hour}
	if got := d.Organizations[0].Rules; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if err := d.Organizations[0].Rules.CheckOrganization(); err != nil {
		t.Error(err)
	}
}

func TestPreset_Unknown(t *testing.T) {
	for _, file := range []string{with("policy: {preset: aal1}"), with("policy: {preset: [aal2]}"), with("policy: {session_idle: never}"), organization("  policy: {session_idle: 1h}")} {
		if _, err := workspacefile.Parse([]byte(file)); err == nil || !strings.Contains(err.Error(), "line ") {
			t.Errorf("%s: %v", file, err)
		}
	}
}
