//go:build !js

package main_test

import (
	"os"
	"path/filepath"
	"regexp"
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
// behind, brought 16.
const maxUpload = 3990

// TestADeploymentWouldSucceed runs all of wrangler deploy but the upload.
func TestADeploymentWouldSucceed(t *testing.T) {
	workerd.Must(t, workerd.Installed())
	said, err := workerd.Wrangler("deploy", "--dry-run", "--outdir", "build/upload")
	if err != nil {
		t.Fatal(err)
	}
	for _, binding := range []string{"env.DB", "env.ASSETS", "env.PER_ADDRESS", "env.SIGN_INS", "env.PER_SESSION"} {
		if !strings.Contains(said, binding) {
			t.Errorf("there is no binding %s", binding)
		}
	}
	config, err := os.ReadFile(filepath.Join(workerd.Folder(), "wrangler.jsonc"))
	workerd.Must(t, err)
	for _, flag := range []string{`"global_fetch_strictly_public"`, `"enable_request_signal"`} {
		if !strings.Contains(string(config), flag) {
			t.Errorf("the compatibility flag %s is missing", flag)
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
