// Package remote applies a workspace file to a backend, a server or a Worker, through
// its administration API.
package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/web"
)

const (
	// path is the path of the administration API below a backend's URL.
	path = "/admin/v1"
	// maxTries is how often a request is sent if it fails or is refused for now, and
	// maxPause the longest pause in between.
	maxTries = 6
	maxPause = time.Minute
	// maxBody is larger than any response of the API, in bytes.
	maxBody = 4 << 20
)

// Client is a client of an administration API.
type Client struct {
	address string // of the backend
	base    string
	key     string
	http    *http.Client
}

// New returns a client of the backend at a URL. The key must be one to the workspace.
func New(address, key string, transport http.RoundTripper) (*Client, error) {
	at, err := url.Parse(address)
	local := err == nil && (at.Hostname() == "localhost" || at.Hostname() == "127.0.0.1" || at.Hostname() == "::1")
	switch {
	case err != nil || at.Host == "" || at.RawQuery != "" || at.Fragment != "" || at.User != nil:
		return nil, fmt.Errorf("%q is not the URL of a backend, such as https://app.example.com/auth", address)
	case at.Scheme != "https" && !(at.Scheme == "http" && local):
		return nil, fmt.Errorf("%s would send the key unencrypted; use https://", address)
	}
	address = strings.TrimSuffix(address, "/")
	if backend, is := strings.CutSuffix(address, path); is {
		return nil, fmt.Errorf("%s is the address of the administration API; pass the server's public URL, %s", address, backend)
	}
	return &Client{address, address + path, key, &http.Client{
		Transport: transport, Timeout: time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // a redirect must not carry the key to another server
	}}, nil
}

// request sends a request, repeats it if that may help, and decodes the response into
// into. Every request may be repeated: if the response to a creation was lost, the next
// one is refused as already_exists.
func (c *Client) request(ctx context.Context, method, at string, body, into any) error {
	var text []byte
	if body != nil {
		var err error
		if text, err = json.Marshal(body); err != nil {
			return err
		}
	}
	for try := 1; ; try++ {
		again, err := c.sendOnce(ctx, method, at, text, into)
		if err == nil || again == 0 || try == maxTries || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(min(again<<(try-1), maxPause)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// sendOnce sends a request once. With an error it returns the time to wait before the
// next attempt, 0 if there is none.
func (c *Client) sendOnce(ctx context.Context, method, at string, body []byte, into any) (again time.Duration, err error) {
	r, err := http.NewRequestWithContext(ctx, method, c.base+at, bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Authorization", "Bearer "+c.key)
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return time.Second, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	switch {
	case err != nil:
		return time.Second, err
	case answer.StatusCode < 300 && !isJSON(answer, text):
		return 0, c.notBackend(answer)
	case answer.StatusCode < 300 && into == nil:
		return 0, nil
	case answer.StatusCode < 300 && json.Unmarshal(text, into) != nil:
		return 0, c.notBackend(answer)
	case answer.StatusCode < 300:
		return 0, nil
	}
	if answer.StatusCode == http.StatusTooManyRequests || answer.StatusCode >= 500 {
		seconds, _ := strconv.Atoi(answer.Header.Get("Retry-After"))
		again = max(time.Second, time.Duration(seconds)*time.Second)
	}
	return again, fmt.Errorf("%s %s: %w", method, at, c.responseError(answer, text))
}

// isJSON reports whether a successful response has what the API writes: JSON, or nothing.
func isJSON(answer *http.Response, text []byte) bool {
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	return media == "application/json" || len(text) == 0 && answer.StatusCode == http.StatusNoContent
}

// cures says of a refusal what helps.
var cures = map[api.Code]string{
	api.AdminKeyRequired:  " The key is unknown here, expired, revoked, or of another kind. tabard keys list shows those that there are; tabard keys create makes one.",
	api.AdminAccessDenied: " Pass a key to the workspace: tabard keys create makes one without --organization.",
}

// responseError returns the error of a response that is not a success.
func (c *Client) responseError(answer *http.Response, text []byte) error {
	var told api.Error
	if json.Unmarshal(text, &told) != nil || told.Code == "" {
		return c.notBackend(answer)
	}
	if none := web.NoPath(); told.Code == none.Code && told.Description == none.Text {
		return c.notBackend(answer) // a backend's, below another path
	}
	return refusal.New(told.Code, told.Description+cures[told.Code])
}

// notBackend is the error of a response that the administration API does not give.
func (c *Client) notBackend(answer *http.Response) error {
	kind := answer.Status
	if media, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type")); err == nil {
		kind += ", " + media
	}
	advice := "check that the proxy passes everything below it to the server"
	if at, err := url.Parse(c.address); err == nil && at.Path == "" {
		advice = "pass the server's public URL with its path, such as " + c.address + "/auth"
	}
	return fmt.Errorf("no Tabard backend answers at %s (%s): %s", c.address, kind, advice)
}

// refusalOf returns the refusal that an error is, or nil.
func refusalOf(err error) *refusal.Refusal {
	var r *refusal.Refusal
	errors.As(err, &r)
	return r
}

// hasCode reports whether an error is a refusal with a code.
func hasCode(err error, code api.Code) bool {
	r := refusalOf(err)
	return r != nil && r.Code == code
}

// eachItem calls each for every item of a list.
func eachItem[T any](ctx context.Context, c *Client, at string, each func(T)) error {
	for after := ""; ; {
		var page admin.List[T]
		query := url.Values{"limit": {strconv.Itoa(admin.MaxLimit)}}
		if after != "" {
			query.Set("after", after)
		}
		if err := c.request(ctx, http.MethodGet, at+"?"+query.Encode(), nil, &page); err != nil {
			return err
		}
		if page.Items == nil { // the API writes an empty list as one
			return fmt.Errorf("no Tabard backend answers at %s: the answer to %s is no list", c.address, at)
		}
		for _, one := range page.Items {
			each(one)
		}
		if after = page.Next; after == "" {
			return nil
		}
	}
}
