//go:build !js

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// restorable is a Worker that runs on one state of its database after another.
type restorable struct {
	*testing.T
	port              int
	origin, publicURL string
	secretFile        string
	variables         map[string]string
}

func (r *restorable) copied(state string) string {
	r.Helper()
	to := r.TempDir()
	workerd.Must(r, os.CopyFS(to, os.DirFS(state)))
	return to
}

// tabard runs a command and returns what it prints.
func (r *restorable) tabard(args ...string) string {
	r.Helper()
	out, err := exec.Command(program.Path(r, "tabard"), args...).Output()
	if err != nil {
		r.Fatalf("tabard %v: %v\n%s", args, err, program.Stderr(err))
	}
	return string(out)
}

// export exports a state of the database, or only some tables of it, by wrangler.
func (r *restorable) export(state string, tables ...string) (file string) {
	r.Helper()
	folder := r.TempDir() // wrangler looks for the state beside its settings
	config, err := os.ReadFile(filepath.Join(workerd.Folder(), "wrangler.jsonc"))
	workerd.Must(r, err)
	settings := filepath.Join(folder, "wrangler.jsonc")
	workerd.Must(r, os.WriteFile(settings, config, 0o600))
	workerd.Must(r, os.CopyFS(filepath.Join(folder, ".wrangler", "state"), os.DirFS(state)))
	file = filepath.Join(folder, "export.sql")
	args := []string{"d1", "export", "tabard", "--local", "--config", settings, "--output", file}
	for _, table := range tables {
		args = append(args, "--table", table)
	}
	_, err = workerd.Wrangler(args...)
	workerd.Must(r, err)
	return file
}

// The operator of a D1 database that went back in time sees who and what has access in it,
// and exactly what came back.
func TestEpoch_D1RestoredLists(t *testing.T) {
	t.Parallel()
	r := &restorable{T: t}
	state := workerd.Database(t, contract.Desired("https://id.example.com", "https://app.example.com"))
	before := r.copied(state)
	workerd.Must(t, workerd.Fill(state, `
INSERT INTO audit (id, at, action, outcome, reason, actor, actor_name, user_id, organization_id, session_id, app, address, target, note)
SELECT 'evt_1', unixepoch(), 'member.remove', 'done', '', 'key_1', 'portal', user_id, organization_id, '', '', '', '', '' FROM memberships LIMIT 1;
DELETE FROM memberships WHERE user_id = (SELECT user_id FROM audit);`))
	restored, trail := r.export(before), r.export(state, "audit")
	for list, want := range map[string]string{
		r.tabard("restore", "--list", "--d1-export", restored):                   "org_northwind",
		r.tabard("restore", "--list", "--d1-export", restored, "--json"):         `"kind":"member"`,
		r.tabard("restore", "--list", "--d1-export", restored, "--trail", trail): "is a member again",
	} {
		if !strings.Contains(list, want) {
			t.Errorf("the list has no %s:\n%s", want, list)
		}
	}
}
