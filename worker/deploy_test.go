//go:build !js

package main_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/worker/workerd"
)

// maxUpload is the largest upload, in KiB of gzip. The platform allows far more; the
// limit makes growth visible. The last 200 KiB brought the feed of endings, domains of
// organizations with the list of public suffixes, global token revocation, sessions that end
// when the provider no longer knows the person, and the epoch that holds a restored database;
// merging the program's data segments took 170 away. Claims that workspaces declare, lent
// tokens and DNS messages brought 45. The check of a whole workspace, with which tabard apply
// --url changes apps, roles, sign-ins, connections and domains of a Worker, brought 62. An
// app with an origin for each organization, under one sign-in, brought 27. A driver of D1 of
// its own, by which a sign-in and entering take half as long, and that leaves no callback
// behind, brought 16. Several people in one browser brought 24. Tabs that come back at once and
// share a session, forms in any encoding and pages for headers that are too large brought 10.
// Secrets that stay out of the log in whatever spelling a provider quotes them, members of a file by
// the page, and readyz that names a schema behind its release brought 30. An instance that serves many
// requests at once brought 2.
const maxUpload = 4074

// TestADeploymentWouldSucceed runs all of wrangler deploy but the upload, on what a fresh clone
// has: wrangler builds the client, the module and the program.
func TestADeploymentWouldSucceed(t *testing.T) {
	t.Parallel()
	workerd.Must(t, workerd.Installed())
	clone := freshClone(t)
	said := deploy(t, filepath.Join(clone, "worker"), "--outdir", "build/upload")
	for _, binding := range []string{"env.DB", "env.ASSETS", "env.PER_ADDRESS", "env.SIGN_INS", "env.PER_SESSION"} {
		if !strings.Contains(said, binding) {
			t.Errorf("there is no binding %s", binding)
		}
	}
	for _, asset := range []string{"tabard.js.br", "module.json"} {
		if _, err := os.Stat(filepath.Join(clone, "js", "dist", asset)); err != nil {
			t.Errorf("an empty client would be deployed: %v", err)
		}
	}
	if strings.Contains(strings.ToLower(said), "warning") {
		t.Errorf("wrangler warns")
	}
	size := regexp.MustCompile(`gzip: ([0-9]+)`).FindStringSubmatch(said)
	if size == nil {
		t.Fatalf("no size:\n%s", said)
	}
	if kib, _ := strconv.Atoi(size[1]); kib > maxUpload {
		t.Errorf("%d KiB would be uploaded, more than %d", kib, maxUpload)
	}
	t.Log(said)
}

// TestTheCustomersConfiguration is the product's, besides where it runs.
func TestTheCustomersConfiguration(t *testing.T) {
	own, template := configuration(t, "wrangler.jsonc"), configuration(t, "wrangler.example.jsonc")
	for _, name := range []string{"routes", "workers_dev", "preview_urls", "vars"} {
		if template[name] == nil || own[name] != nil {
			t.Errorf("%s: %v in the template, %v in the product's", name, template[name], own[name])
		}
		delete(template, name)
	}
	if !reflect.DeepEqual(own, template) {
		t.Errorf("the template is not the product's:\n%v\n%v", template, own)
	}
	flags, _ := own["compatibility_flags"].([]any)
	for _, flag := range []any{"global_fetch_strictly_public", "enable_request_signal"} {
		if !slices.Contains(flags, flag) {
			t.Errorf("the compatibility flag %s is missing", flag)
		}
	}
	build, _ := own["build"].(map[string]any)
	watched, _ := build["watch_dir"].([]any)
	sources, err := filepath.Glob(filepath.Join(workerd.Folder(), "*_js.go"))
	workerd.Must(t, err)
	for _, source := range sources {
		if !slices.Contains(watched, any(filepath.Base(source))) {
			t.Errorf("wrangler dev does not watch %s", filepath.Base(source))
		}
	}
}

// configuration returns a configuration of wrangler's.
func configuration(t *testing.T, name string) (c map[string]any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(workerd.Folder(), name))
	workerd.Must(t, err)
	plain := regexp.MustCompile(`(?m)^\s*//.*$`).ReplaceAll(text, nil)
	workerd.Must(t, json.Unmarshal(plain, &c))
	return c
}

// freshClone returns a copy of the files that Git has, with the npm packages of this checkout.
func freshClone(t *testing.T) string {
	t.Helper()
	root, clone := filepath.Dir(workerd.Folder()), t.TempDir()
	list := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z")
	list.Dir = root
	files, err := list.Output()
	workerd.Must(t, err)
	for name := range strings.SplitSeq(strings.TrimSuffix(string(files), "\x00"), "\x00") {
		file, err := os.Lstat(filepath.Join(root, name))
		if errors.Is(err, os.ErrNotExist) || err == nil && !file.Mode().IsRegular() { // removed, and not committed yet; a link to packages
			continue
		}
		workerd.Must(t, err)
		text, err := os.ReadFile(filepath.Join(root, name))
		workerd.Must(t, err)
		path := filepath.Join(clone, name)
		workerd.Must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		workerd.Must(t, os.WriteFile(path, text, 0o644))
	}
	workerd.Must(t, os.Symlink(filepath.Join(root, "worker", "node_modules"), filepath.Join(clone, "worker", "node_modules")))
	return clone
}

// deploy runs wrangler deploy without the upload in the folder worker of a clone.
func deploy(t *testing.T, folder string, args ...string) string {
	t.Helper()
	said, err := workerd.WranglerIn(folder, append([]string{"deploy", "--dry-run"}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return said
}
