// Package overhttp sends the vectors that Go and TypeScript share to an API's routes, as
// bytes of HTTP: no client repairs them on the way.
package overhttp

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// Header names the vector, or the kind of verifier, that a request is of.
const Header = "X-Vector"

// The kinds of verifiers that tokens are sent to.
const (
	Plain         = "tokens"
	Organizations = "organizations" // of organizations' own issuers as well
)

// Verdict is how a route answers a request.
type Verdict struct {
	Status       int
	Code         string
	Reason       string
	Challenge    string
	RetryAfter   string
	Organization string
}

// Token is a vector of tokens.json.
type Token struct {
	Name, Token   string
	Times         int
	Organizations bool
	Verify        string
	Organization  string
}

// Request is a vector of requests.json.
type Request struct {
	Name string
	Rule struct {
		Organization string
		Permissions  []string
		MaxAge       int64 `json:"max_age"`
		ACR          []string
		Lent         bool
	}
	Row         string
	Unreachable bool
	Requests    []struct {
		Method, Path string
		Params       map[string]string
		Headers      [][2]string

		Status       int
		Code         string
		Reason       string
		Challenge    string
		RetryAfter   string `json:"retry_after"`
		Organization string
	}
}

// Read reads a file of vectors of the folder js/server/vectors, which is at root.
func Read[T any](t testing.TB, root, name string) (all []T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "js/server/vectors", name))
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Vectors []T }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Vectors
}

// largest is the size of a token that every server takes in a header.
const largest = 8 << 10

// Try sends every vector to the API at an address, which is without a scheme. The API
// answers requests by the vector that their header names; requests whose vector has
// parameters are sent to /{name}s/{value}/notes. Requests with one of the excepted names are
// left out: the framework changes them before the API sees them.
func Try(t *testing.T, root, address string, except ...string) {
	t.Helper()
	for _, v := range Read[Token](t, root, "tokens.json") {
		TryToken(t, address, "/notes", v)
	}
	for i, v := range Read[Request](t, root, "requests.json") {
		if slices.Contains(except, v.Name) {
			continue
		}
		for n, r := range v.Requests {
			path := r.Path
			for name, value := range r.Params {
				path = "/" + name + "s/" + url.PathEscape(value) + "/notes"
			}
			if strings.Contains(path, "//") {
				continue // routes have no empty parameters
			}
			want := Verdict{r.Status, r.Code, r.Reason, r.Challenge, r.RetryAfter, r.Organization}
			headers := append([][2]string{{Header, fmt.Sprint(i)}}, r.Headers...)
			if got, err := Send(address, r.Method, path, headers); err != nil || got != want {
				t.Errorf("%s, request %d: %+v, want %+v (%v)", v.Name, n, got, want, err)
			}
		}
	}
}

// TryToken sends a token to a path, which takes lent ones.
func TryToken(t *testing.T, address, path string, v Token) {
	t.Helper()
	raw := strings.Repeat(v.Token, max(v.Times, 1))
	kind := Plain
	if v.Organizations {
		kind = Organizations
	}
	got, err := Send(address, http.MethodGet, path, [][2]string{{Header, kind}, {"Authorization", "Bearer " + raw}})
	switch {
	case v.Verify == "":
		if got.Status != http.StatusOK || got.Organization != v.Organization {
			t.Errorf("%s: %+v (%v), want it served for %s", v.Name, got, err, v.Organization)
		}
	case len(raw) > largest || strings.Contains(raw, "\n"): // a server may refuse it before its API
		if err == nil && (got.Status < 400 || got.Status >= 500) {
			t.Errorf("%s: %+v", v.Name, got)
		}
	case strings.Contains(raw, ","): // several tokens, to a guard
		if err != nil || got.Status != http.StatusUnauthorized {
			t.Errorf("%s: %+v (%v)", v.Name, got, err)
		}
	case err != nil || !slices.Contains([]int{401, 403, 503}, got.Status) || got.Reason != v.Verify:
		t.Errorf("%s: %+v (%v), want %s", v.Name, got, err, v.Verify)
	}
}

// Send sends a request, and returns the answer.
func Send(address, method, path string, headers [][2]string) (Verdict, error) {
	connection, err := net.DialTimeout("tcp", address, 10*time.Second)
	if err != nil {
		return Verdict{}, err
	}
	defer connection.Close()
	connection.SetDeadline(time.Now().Add(20 * time.Second))
	text := method + " " + path + " HTTP/1.1\r\nHost: " + address + "\r\nConnection: close\r\n"
	for _, h := range headers {
		text += h[0] + ": " + h[1] + "\r\n"
	}
	go io.WriteString(connection, text+"\r\n") // a server may answer before it has read all
	response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: method})
	if err != nil {
		return Verdict{}, err
	}
	defer response.Body.Close()
	var body struct {
		Error  string
		Reason string `json:"error_description"`
	}
	if text, err := io.ReadAll(response.Body); err == nil {
		json.Unmarshal(text, &body) // what is served is none
	}
	h := response.Header
	return Verdict{response.StatusCode, body.Error, body.Reason, h.Get("WWW-Authenticate"), h.Get("Retry-After"), h.Get("Tabard-Organization")}, nil
}
