package browserapi_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSecrets_NotInStoreBodyOrAddress searches the database, all bodies and all
// addresses of a complete run.
func TestSecrets_NotInStoreBodyOrAddress(t *testing.T) {
	w := newBackend(t, nil)
	var said bytes.Buffer
	backend := w.Hosts["localhost:8080"]
	w.Hosts["localhost:8080"] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		answer := httptest.NewRecorder()
		backend.ServeHTTP(answer, r)
		said.Write(answer.Body.Bytes())
		said.WriteString(answer.Header().Get("Location"))
		for name, values := range answer.Header() {
			rw.Header()[name] = values
		}
		rw.WriteHeader(answer.Code)
		rw.Write(answer.Body.Bytes())
	})
	secrets := canaries{}
	secrets.runs(w)
	var stored []byte
	for _, file := range w.databaseFiles() {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, text...)
	}
	if len(stored) < 1<<12 || said.Len() < 1<<10 {
		t.Fatalf("the run is too small: %d bytes stored, %d said", len(stored), said.Len())
	}
	for what, secret := range secrets {
		kind, _, _ := strings.Cut(what, " ")
		inStore := kind != "session" && kind != "email" && kind != "state" // these are not secrets
		if inStore && bytes.Contains(stored, []byte(secret)) {
			t.Errorf("the database holds the %s", what)
		}
		if (kind == "cookie" || kind == "verifier" || kind == "client") && bytes.Contains(said.Bytes(), []byte(secret)) {
			t.Errorf("a body or an address holds the %s", what)
		}
	}
}

// databaseFiles returns the files of the database.
func (w *stored) databaseFiles() []string {
	files, err := filepath.Glob(filepath.Join(filepath.Dir(w.File), "*"))
	if err != nil || len(files) == 0 {
		w.Fatalf("no database in %s: %v", filepath.Dir(w.File), err)
	}
	return files
}
