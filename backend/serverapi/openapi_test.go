package serverapi_test

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"

	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/serverapi"
	"github.com/tabard-auth/tabard/backend/serverapi/adminapi"
	"github.com/tabard-auth/tabard/backend/serverapi/crossapp"
)

// described is the administration API's document, read once, with a router of its
// operations; describedSessions is that of sessions across apps.
var (
	described         = sync.OnceValues(func() (*openapi3.T, routers.Router) { return read(adminapi.Document, adminapi.Path) })
	describedSessions = sync.OnceValues(func() (*openapi3.T, routers.Router) { return read(crossapp.Document, crossapp.Path) })
)

func read(text []byte, path string) (*openapi3.T, routers.Router) {
	document, err := openapi3.NewLoader().LoadFromData(text)
	if err == nil {
		document.Servers = openapi3.Servers{{URL: publicURL + path}}
		err = document.Validate(context.Background(), openapi3.IsOpenAPI31OrLater())
	}
	if err != nil {
		panic(err)
	}
	router, err := legacy.NewRouter(document, openapi3.IsOpenAPI31OrLater())
	if err != nil {
		panic(err)
	}
	return document, router
}

// describes fails the test unless the document describes a request that was accepted,
// and its answer, or the answer to one that was not.
func describes(t testing.TB, r *http.Request, body []byte, got answer) {
	t.Helper()
	_, router := described()
	if strings.HasPrefix(r.URL.Path, "/auth"+crossapp.Path) {
		_, router = describedSessions()
	}
	route, parameters, err := router.FindRoute(r)
	if err != nil {
		if !strings.HasSuffix(r.URL.Path, "/openapi.json") && got.Status != http.StatusNotFound && got.Status != http.StatusMethodNotAllowed {
			t.Errorf("%s %s answers %d and is not in the document: %v", r.Method, r.URL.Path, got.Status, err)
		}
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	request := &openapi3filter.RequestValidationInput{
		Request: r, PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	}
	if got.Status < 300 {
		if err := openapi3filter.ValidateRequest(context.Background(), request); err != nil {
			t.Errorf("%s %s was accepted, but is not as the document says: %v\n%s", r.Method, r.URL.Path, err, body)
		}
	}
	response := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request, Status: got.Status, Header: got.Header,
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}
	if got.Body != "" {
		response.SetBodyBytes([]byte(got.Body))
	}
	if err := openapi3filter.ValidateResponse(context.Background(), response); err != nil {
		t.Errorf("the answer to %s %s is not as the document says: %v", r.Method, r.URL.Path, err)
	}
}

func TestTheDocumentDescribesEveryRouteAndNothingElse(t *testing.T) {
	document, _ := described()
	sessions, _ := describedSessions()
	describesAll(t, document, adminapi.Routes)
	describesAll(t, sessions, crossapp.Routes)
}

func describesAll[On any](t *testing.T, document *openapi3.T, routes []serverapi.Route[On]) {
	t.Helper()
	var written, served []string
	for path, item := range document.Paths.Map() {
		for method := range maps.Keys(item.Operations()) {
			written = append(written, method+" "+path)
		}
	}
	for _, r := range routes {
		served = append(served, r.Method+" "+r.Path)
	}
	slices.Sort(written)
	slices.Sort(served)
	if !slices.Equal(written, served) {
		t.Errorf("the document has %v\nthe handler has %v", written, served)
	}
}

func TestTheDocumentHasEveryRuleOfAPolicy(t *testing.T) {
	document, _ := described()
	var rules []string
	for field := range reflect.TypeFor[policy.Rules]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		rules = append(rules, name)
	}
	slices.Sort(rules)
	if got := slices.Sorted(maps.Keys(document.Components.Schemas["Policy"].Value.Properties)); !slices.Equal(got, rules) {
		t.Errorf("the document has %v, a policy %v", got, rules)
	}
}

// TestTheDocumentIsStrict keeps the document able to tell a field that it does not
// describe.
func TestTheDocumentIsStrict(t *testing.T) {
	document, _ := described()
	sessions, _ := describedSessions()
	all := maps.Clone(document.Components.Schemas)
	maps.Copy(all, sessions.Components.Schemas)
	for name, schema := range all {
		if closed := schema.Value.AdditionalProperties.Has; closed == nil || *closed {
			t.Errorf("%s is open: it needs additionalProperties: false", name)
		}
	}
}

func TestTheDocumentIsServedToEverybody(t *testing.T) {
	w := newBackend(t, nil)
	got := w.ask("GET", "/openapi.json", "", "")
	if got.Status != http.StatusOK || got.Body != string(adminapi.Document) || got.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %v %.80s", got.Status, got.Header, got.Body)
	}
}

func TestADescribedSecretIsShownOnceOnly(t *testing.T) {
	document, _ := described()
	for name, schema := range document.Components.Schemas {
		for field := range schema.Value.Properties {
			if strings.Contains(field, "secret") && field != "client_secret_set" &&
				!slices.Contains([]string{"CreatedKey", "NewConnection", "ConnectionUpdate", "FileConnection"}, name) {
				t.Errorf("%s shows %s", name, field)
			}
		}
	}
}
