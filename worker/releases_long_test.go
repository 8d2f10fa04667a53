//go:build !js && long

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
	folder string // of the client
	kept   string // of what it keeps
	url    string // of its Worker
}

// newRelease makes a release whose module is named after its content.
func newRelease(t *testing.T, content, hash string) *release {
	t.Helper()
	r := &release{t: t, folder: t.TempDir(), kept: t.TempDir()}
	module := "module." + hash + ".wasm"
	workerd.Must(t, os.CopyFS(r.folder, os.DirFS(filepath.Join(workerd.Folder(), "../js/dist"))))
	sum := sha256.Sum256([]byte(content))
	manifest, err := json.Marshal(map[string]any{"version": "0.1.0", "wasm": map[string]any{
		"url": module, "integrity": "sha256-" + base64.StdEncoding.EncodeToString(sum[:]), "bytes": len(content),
	}})
	workerd.Must(t, err)
	for name, text := range map[string]string{"module.json": string(manifest), module: content, module + ".br": "br of " + content, module + ".gz": "gz of " + content} {
		workerd.Must(t, os.WriteFile(filepath.Join(r.folder, name), []byte(text), 0o644))
	}
	for _, suffix := range []string{".br", ".gz"} {
		os.Remove(filepath.Join(r.folder, "module.json"+suffix))
	}
	return r
}

// module returns the name of the release's module.
func (r *release) module() string {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.folder, "module.json"))
	workerd.Must(r.t, err)
	var manifest struct{ Wasm struct{ URL string } }
	workerd.Must(r.t, json.Unmarshal(text, &manifest))
	return manifest.Wasm.URL
}

// deploy runs the release's Worker.
func (r *release) deploy(state string) {
	r.t.Helper()
	port := ports.Hold(r.t)
	r.url = fmt.Sprintf("http://localhost:%d/auth", port)
	workerd.Run(r.t, workerd.Options{Port: port, State: state, Assets: r.folder, Variables: workerd.Variables(r.url, "http://127.0.0.1:1", "id", "secret")})
}

// keep keeps another release's files, from its URL or its folder.
func (r *release) keep(args ...string) {
	r.t.Helper()
	command := exec.Command("go", append([]string{"run", "./keep", "-kept", r.kept, "-to", r.folder}, args...)...)
	command.Dir = workerd.Folder()
	if out, err := command.CombinedOutput(); err != nil {
		r.t.Fatalf("%v\n%s", err, out)
	}
}

// serves checks that the release serves the module of another one, or its own, in all forms.
func (r *release) serves(of *release) {
	r.t.Helper()
	name := of.module()
	for encoding, suffix := range map[string]string{"identity": "", "br": ".br", "gzip": ".gz"} {
		want, err := os.ReadFile(filepath.Join(of.folder, name+suffix))
		workerd.Must(r.t, err)
		request, err := http.NewRequest(http.MethodGet, r.url+"/client/"+name, nil)
		workerd.Must(r.t, err)
		request.Header.Set("Accept-Encoding", encoding)
		response, err := http.DefaultTransport.RoundTrip(request)
		workerd.Must(r.t, err)
		defer response.Body.Close()
		text, err := io.ReadAll(response.Body)
		if err != nil || response.StatusCode != http.StatusOK || !bytes.Equal(text, want) {
			r.t.Errorf("%s of %s in %s: %d and %d bytes, want %d", name, r.url, encoding, response.StatusCode, len(text), len(want))
		}
	}
}

// TestTwoReleasesAtOnce: while a new release is deployed gradually, each serves the pages of the
// other. The new one goes through wrangler's own build, which makes the client's folder anew.
func TestTwoReleasesAtOnce(t *testing.T) {
	workerd.Must(t, workerd.Build())
	state := workerd.Database(t, directory.Desired{})
	last := newRelease(t, "the last module", "0123456789abcdef")
	last.deploy(state)
	clone := freshClone(t)
	next := &release{t: t, folder: filepath.Join(clone, "js", "dist"), kept: filepath.Join(clone, "worker", "kept")}
	next.keep(last.url)
	deploy(t, filepath.Join(clone, "worker"))
	last.keep(next.folder)
	last.keep() // as the build does
	last.deploy(state)
	next.deploy(state)
	for _, r := range []*release{last, next} {
		r.serves(last)
		r.serves(next)
	}
}
