package isolationtest

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// maxAnswer is how much of an answer is read, in bytes.
	maxAnswer = 4 << 20
	// ownHost is the host of requests to a handler.
	ownHost      = "service.example"
	maxRedirects = 5
	// longestWait is the longest wait that a rate limit may ask for.
	longestWait = 30 * time.Second
)

// answer is the service's answer.
type answer struct {
	status  int
	reason  string // of the status line
	header  http.Header
	body    string
	took    time.Duration
	request string // as a command
	named   []string
	streams bool // without an end
}

func (a answer) good() bool { return a.status >= 200 && a.status < 400 && !a.refuses() }

// refuses reports whether an answer is a refusal: by its status, by leading to a
// sign-in, or, as those of GraphQL, by errors without data.
func (a answer) refuses() bool {
	switch {
	case a.status >= 400:
		return true
	case a.status >= 300 && a.status < 400:
		return signIn.MatchString(a.header.Get("Location"))
	}
	return a.status == http.StatusOK && errorsOnly(a.body)
}

// start returns the beginning of an answer, for people.
func (a answer) start() string {
	if len(a.body) > 120 {
		return strings.ToValidUTF8(a.body[:120], "") + "…"
	}
	return strings.TrimSpace(strings.ToValidUTF8(a.body, "·"))
}

// same reports whether two answers say the same.
func (a answer) same(b answer) bool { return a.status == b.status && a.body == b.body }

// service sends requests to the tested service.
type service struct{ Config }

// call is a request to send.
type call struct {
	route  Route
	values map[string]string
	token  string
	change func(*http.Request) // nil changes nothing
	until  <-chan struct{}     // is closed when a stream need not be read any more; nil is at once
}

// send sends a request and returns the answer. If a rate limit refuses it, it is sent
// again, after as long as the service asks for.
func (s service) send(ctx context.Context, c call) (answer, error) {
	for tries := 0; ; tries++ {
		if err := ctx.Err(); err != nil {
			return answer{}, err
		}
		token := s.current(c.token)
		r, err := s.request(ctx, c, token)
		if err != nil {
			return answer{}, err
		}
		a, err := s.do(r, token, s.variable(c.token), c.until)
		if err != nil || a.status != http.StatusTooManyRequests || tries == 2 {
			return a, err
		}
		seconds, _ := strconv.Atoi(a.header.Get("Retry-After"))
		if err := wait(ctx, min(max(time.Duration(seconds)*time.Second, time.Second), longestWait)); err != nil {
			return a, err
		}
	}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// request fills a route with values, and changes the request.
func (s service) request(ctx context.Context, c call, token string) (*http.Request, error) {
	path, body := c.route.filled(c.values)
	base := s.URL
	if s.Handler != nil {
		base = "http://" + ownHost
	}
	r, err := http.NewRequestWithContext(ctx, c.route.Method, base+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if body != "" {
		r.Header.Set("Content-Type", cmp.Or(c.route.Type, "application/json"))
	}
	if token != "" {
		s.Authorize(r, token)
	}
	if c.change != nil {
		c.change(r)
	}
	return r, nil
}

// do sends a request. A stream is read until a channel is closed, and a little longer.
func (s service) do(r *http.Request, token, variable string, until <-chan struct{}) (answer, error) {
	sent := ""
	if r.Body != nil {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return answer{}, err
		}
		sent = string(body)
		setBody(r, sent)
	}
	asked := curl(r, sent, token, variable)
	named := []string{r.URL.String(), sent, r.Host}
	for name, values := range r.Header {
		if name != "Authorization" {
			named = append(named, values...)
		}
	}
	began := time.Now()
	a, err := s.answerTo(r, until)
	a.took, a.request, a.named = time.Since(began), asked, named
	return a, err
}

func (s service) answerTo(r *http.Request, until <-chan struct{}) (answer, error) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	l := &listener{end: cancel, until: until}
	if r = r.WithContext(ctx); s.Handler != nil {
		r.Host, r.RequestURI, r.RemoteAddr = cmp.Or(r.Host, ownHost), r.URL.RequestURI(), "192.0.2.1:1234"
		return serve(s.Handler, r, l), nil
	}
	response, err := s.Client.Do(r)
	if err != nil {
		return answer{}, err
	}
	l.begin(ctx, response.Header)
	return read(response, l)
}

func setBody(r *http.Request, body string) {
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
	r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }
}

// current returns what a tenant's token was renewed to. Other tokens stay as they are.
func (s service) current(token string) string {
	for _, t := range s.Tenants {
		if token == t.Token && t.Renew != nil {
			return t.Renew()
		}
	}
	return token
}

// variable returns the shell's variable that stands for a token.
func (s service) variable(token string) string {
	switch token {
	case s.Tenants[0].Token:
		return "$TOKEN_A"
	case s.Tenants[1].Token:
		return "$TOKEN_B"
	}
	return "$BAD_TOKEN"
}

// follow returns the answers that an answer redirects to, at the service itself.
func (s service) follow(ctx context.Context, from string, a answer, token string) (all []answer, err error) {
	for range maxRedirects {
		next := a.header.Get("Location")
		if next == "" || from == "" {
			return all, nil
		}
		to, ok := s.own(from, next)
		if !ok {
			return all, nil
		}
		if a, err = s.get(ctx, to, token); err != nil {
			return all, err
		}
		all, from = append(all, a), to
	}
	return all, nil
}

// own returns an address that an answer names, if it is the service's.
func (s service) own(from, address string) (string, bool) {
	base, err := url.Parse(from)
	if err != nil {
		return "", false
	}
	to, err := base.Parse(address)
	if err != nil || to.Host != base.Host || to.Scheme != "http" && to.Scheme != "https" {
		return "", false
	}
	to.Fragment = ""
	return to.String(), true
}

// get reads an address of the service.
func (s service) get(ctx context.Context, address, token string) (answer, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, err
	}
	now := s.current(token)
	if now != "" {
		s.Authorize(r, now)
	}
	return s.do(r, now, s.variable(token), nil)
}

// serve calls a handler. A panic counts as a failure, as in net/http.
func serve(handler http.Handler, r *http.Request, l *listener) (a answer) {
	written := recorder{header: http.Header{}, began: func(header http.Header) { l.begin(r.Context(), header) }}
	defer func() {
		status := cmp.Or(written.status, http.StatusOK)
		a = answer{status: status, reason: http.StatusText(status), header: written.header, body: written.body.String(), streams: l.timer != nil}
		if problem := recover(); problem != nil {
			a.status, a.body = http.StatusInternalServerError, fmt.Sprint("panic: ", problem)
		}
	}()
	handler.ServeHTTP(&written, r)
	return a
}

func read(response *http.Response, l *listener) (answer, error) {
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if l.timer != nil { // it ends by an error
		err = nil
	}
	header := response.Header.Clone()
	for name, values := range response.Trailer {
		header[name] = append(header[name], values...)
	}
	return answer{status: response.StatusCode, reason: response.Status, header: header, body: string(body), streams: l.timer != nil}, err
}

// recorder keeps the output of a handler. The one in net/http/httptest would register a
// flag in every program that imports this package.
type recorder struct {
	header http.Header
	status int
	body   strings.Builder
	began  func(header http.Header)
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 && status >= 200 { // the first final status
		r.status = status
		r.began(r.header)
	}
}

func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	return r.body.Write(p)
}

// Flush lets handlers stream.
func (r *recorder) Flush() { r.WriteHeader(http.StatusOK) }

func sortedNames(header http.Header) []string {
	names := make([]string, 0, len(header))
	for name := range header {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
