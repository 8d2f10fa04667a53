package isolationtest

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
)

// maxAnswer is how much of an answer is read, in bytes.
const maxAnswer = 4 << 20

// answer is the service's answer.
type answer struct {
	status int
	body   string
}

func (a answer) good() bool { return a.status >= 200 && a.status < 300 }

// start returns the beginning of an answer, for people.
func (a answer) start() string {
	if len(a.body) > 120 {
		return a.body[:120] + "…"
	}
	return strings.TrimSpace(a.body)
}

// service sends requests to the tested service.
type service struct{ Config }

// send fills a route with values and sends it, changed.
func (s service) send(ctx context.Context, route Route, values map[string]string, change ...func(*http.Request)) (answer, error) {
	path, body := route.filled(values)
	r, err := http.NewRequestWithContext(ctx, route.Method, s.URL+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for _, f := range change {
		f(r)
	}
	if s.Handler == nil {
		response, err := s.Client.Do(r)
		if err != nil {
			return answer{}, err
		}
		return read(response)
	}
	r.Host, r.RequestURI, r.RemoteAddr = "service.example", r.URL.RequestURI(), "192.0.2.1:1234"
	return serve(s.Handler, r), nil
}

// serve calls a handler. A panic counts as a failure, as in net/http.
func serve(handler http.Handler, r *http.Request) (a answer) {
	written := recorder{header: http.Header{}}
	defer func() {
		a = answer{cmp.Or(written.status, http.StatusOK), written.body.String()}
		if problem := recover(); problem != nil {
			a = answer{http.StatusInternalServerError, fmt.Sprint("panic: ", problem)}
		}
	}()
	handler.ServeHTTP(&written, r)
	return a
}

func read(response *http.Response) (answer, error) {
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return answer{response.StatusCode, string(body)}, err
}

// recorder keeps the output of a handler. The one in net/http/httptest would register a
// flag in every program that imports this package.
type recorder struct {
	header http.Header
	status int
	body   strings.Builder
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 { // the first final status
		r.status = status
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

// withToken adds a token to a request, or none if it is "".
func (s service) withToken(token string) func(*http.Request) {
	return func(r *http.Request) {
		if token != "" {
			s.Authorize(r, token)
		}
	}
}

// record is a tenant's own record.
type record struct {
	canary string            // a text that occurs only in it
	values map[string]string // of the wildcards
}

// create makes a tenant's record.
func (s service) create(ctx context.Context, t Tenant) (record, error) {
	made := record{canary: "canary" + strings.ToLower(rand.Text())}
	made.values = map[string]string{s.OrganizationParam: t.Organization, "canary": made.canary}
	for _, c := range s.Records {
		var values map[string]string
		var err error
		if c.Make != nil {
			values, err = c.Make(ctx, t, made.canary)
		} else {
			values, err = s.createBy(ctx, c, t, made.values)
		}
		if err != nil {
			return record{}, fmt.Errorf("no record of %s could be made: %w", t.Organization, err)
		}
		maps.Copy(made.values, values)
	}
	return made, nil
}

// createBy makes a record by its route and reads the values of wildcards from the
// answer.
func (s service) createBy(ctx context.Context, c Creation, t Tenant, values map[string]string) (map[string]string, error) {
	a, err := s.send(ctx, c.Route, values, s.withToken(t.Token))
	if err != nil {
		return nil, err
	}
	if !a.good() {
		return nil, fmt.Errorf("%s %s answers %d: %s", c.Route.Method, c.Route.Path, a.status, a.start())
	}
	var members map[string]any
	reader := json.NewDecoder(strings.NewReader(a.body))
	reader.UseNumber() // a float64 has too few digits
	if err := reader.Decode(&members); err != nil && len(c.Values) > 0 {
		return nil, fmt.Errorf("the answer is not a JSON object: %s", a.start())
	}
	got := map[string]string{}
	for param, member := range c.Values {
		if got[param] = fmt.Sprint(members[member]); members[member] == nil {
			return nil, fmt.Errorf("the answer has no %s: %s", member, a.start())
		}
	}
	return got, nil
}
