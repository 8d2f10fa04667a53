//go:build !js

package main_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// release is a release of the client in a folder of its own.
type release struct {
	t      *testing.T
	folder string
	module string // the name of its module
	url    string // of its Worker
}

// newRelease makes a release whose module is named after its content.
func newRelease(t *testing.T, content, hash string) *release {
	t.Helper()
	r := &release{t: t, folder: t.TempDir(), module: "module." + hash + ".wasm"}
	workerd.Must(t, os.CopyFS(r.folder, os.DirFS(filepath.Join(workerd.Folder(), "../js/dist"))))
	sum := sha256.Sum256([]byte(content))
	manifest, err := json.Marshal(map[string]any{"version": "0.1.0", "wasm": map[string]any{
		"url": r.module, "integrity": "sha256-" + base64.StdEncoding.EncodeToString(sum[:]), "bytes": len(content),
	}})
	workerd.Must(t, err)
	for name, text := range map[string]string{"module.json": string(manifest), r.module: content, r.module + ".br": "br of " + content, r.module + ".gz": "gz of " + content} {
		workerd.Must(t, os.WriteFile(filepath.Join(r.folder, name), []byte(text), 0o644))
	}
	for _, suffix := range []string{".br", ".gz"} {
		os.Remove(filepath.Join(r.folder, "module.json"+suffix))
	}
	return r
}

// deploy runs the release's Worker.
func (r *release) deploy(state string) {
	r.t.Helper()
	port := ports.Hold(r.t)
	r.url = fmt.Sprintf("http://localhost:%d/auth", port)
	workerd.Run(r.t, workerd.Options{Port: port, State: state, Assets: r.folder, Variables: workerd.Variables(r.url, "http://127.0.0.1:1", "id", "secret")})
}

// keep keeps another release's files, from its URL or its folder.
func (r *release) keep(from string) {
	r.t.Helper()
	command := exec.Command("go", "run", "./keep", "-to", r.folder, from)
	command.Dir = workerd.Folder()
	if out, err := command.CombinedOutput(); err != nil {
		r.t.Fatalf("%v\n%s", err, out)
	}
}

func (r *release) serves(name, encoding, want string) {
	r.t.Helper()
	request, err := http.NewRequest(http.MethodGet, r.url+"/client/"+name, nil)
	workerd.Must(r.t, err)
	request.Header.Set("Accept-Encoding", encoding)
	response, err := http.DefaultTransport.RoundTrip(request)
	workerd.Must(r.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !bytes.Equal(text, []byte(want)) {
		r.t.Errorf("%s of %s: %d %q, want %q", name, r.url, response.StatusCode, text, want)
	}
}

// TestTwoReleasesAtOnce: while a new release is deployed gradually, each serves the pages of the
// other.
func TestTwoReleasesAtOnce(t *testing.T) {
	workerd.Must(t, workerd.Build())
	state := workerd.Database(t, directory.Desired{})
	last, next := newRelease(t, "the last module", "0123456789abcdef"), newRelease(t, "the next module", "fedcba9876543210")
	last.keep(next.folder)
	last.deploy(state)
	next.keep(last.url)
	next.deploy(state)
	for _, r := range []*release{last, next} {
		for _, of := range []struct{ module, content string }{{last.module, "the last module"}, {next.module, "the next module"}} {
			r.serves(of.module, "identity", of.content)
			r.serves(of.module, "br", "br of "+of.content)
			r.serves(of.module, "gzip", "gz of "+of.content)
		}
	}
}
