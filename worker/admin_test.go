//go:build !js

package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	administration "github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// adminKey returns an administration key to the workspace, and the SQL that stores it.
func adminKey(t *testing.T, variables map[string]string) (key, script string) {
	t.Helper()
	secret, err := signingkey.ParseSecret(variables["TABARD_SECRET"])
	workerd.Must(t, err)
	office := administration.New(administration.Config{Secret: secret, Now: time.Now})
	by := administration.Actor{ID: audit.CommandLine}
	k, key, err := office.DraftKey(by, administration.NewKey{Name: "first"}, "")
	workerd.Must(t, err)
	return key, sqlstore.KeyScript(k, administration.KeyCreatedEvent(by, k))
}

// admin asks the administration API with a key.
type admin struct {
	t        *testing.T
	url, key string
}

func (a admin) ask(method, path, body string) (int, string) {
	a.t.Helper()
	r, err := http.NewRequestWithContext(a.t.Context(), method, a.url+path, strings.NewReader(body))
	workerd.Must(a.t, err)
	r.Close = true // workerd closes idle connections
	r.Header.Set("Authorization", "Bearer "+a.key)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(r)
	workerd.Must(a.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	workerd.Must(a.t, err)
	return response.StatusCode, string(text)
}

func (a admin) mustSucceed(method, path, body string) map[string]any {
	a.t.Helper()
	status, text := a.ask(method, path, body)
	got := map[string]any{}
	if status >= 300 || text != "" && json.Unmarshal([]byte(text), &got) != nil {
		a.t.Fatalf("%s %s: %d %s", method, path, status, text)
	}
	return got
}

func (a admin) mustFail(method, path, body string, want int) {
	a.t.Helper()
	if status, text := a.ask(method, path, body); status != want {
		a.t.Errorf("%s %s: %d %s, want %d", method, path, status, text, want)
	}
}
