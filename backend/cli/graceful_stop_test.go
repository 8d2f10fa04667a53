package cli

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/host"
)

// ask sends a request on a kept connection, and returns the answer.
func ask(t *testing.T, c net.Conn, answers *bufio.Reader, path string) *http.Response {
	t.Helper()
	io.WriteString(c, "GET "+path+" HTTP/1.1\r\nHost: app.example.com\r\n\r\n")
	response, err := http.ReadResponse(answers, nil)
	if err != nil {
		t.Fatal(err)
	}
	io.Copy(io.Discard, response.Body)
	return response
}

// A server that stops is first no longer ready, then closes connections by its answers,
// and then closes its listener.
func TestServer_StopsStepByStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		readiness := &host.Readiness{Log: slog.New(slog.DiscardHandler)}
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/readyz" && readiness.Stopping() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
		})
		p := &pipes{connections: make(chan net.Conn), closed: make(chan struct{})}
		ctx, stop := context.WithCancel(t.Context())
		log := slog.New(slog.DiscardHandler)
		ended := make(chan error, 1)
		go func() {
			ended <- gracefulStop{readiness, 5 * time.Second, func() {}}.run(ctx, enter(p, handler, log), log)
		}()
		client := p.connect()
		answers := bufio.NewReader(client)
		if got := ask(t, client, answers, "/readyz"); got.StatusCode != http.StatusOK || got.Close {
			t.Errorf("while it serves: %s, closes %v", got.Status, got.Close)
		}
		stop()
		synctest.Wait()
		if got := ask(t, client, answers, "/readyz"); got.StatusCode != http.StatusServiceUnavailable || got.Close {
			t.Errorf("at first: %s, closes %v", got.Status, got.Close)
		}
		time.Sleep(3900 * time.Millisecond)
		if got := ask(t, client, answers, "/token"); got.StatusCode != http.StatusOK || got.Close {
			t.Errorf("a little later: %s, closes %v", got.Status, got.Close)
		}
		time.Sleep(200 * time.Millisecond)
		if got := ask(t, client, answers, "/token"); got.StatusCode != http.StatusOK || !got.Close {
			t.Errorf("before the end: %s, closes %v", got.Status, got.Close)
		}
		if err := <-ended; err != nil {
			t.Errorf("it ended with %v", err)
		}
		select {
		case <-p.closed:
		default:
			t.Error("it listens on")
		}
	})
}

// A server waits for the proxies before it only where there may be any.
func TestServer_StopDelay(t *testing.T) {
	for _, c := range []struct {
		public, delay string
		want          time.Duration
	}{
		{"http://localhost:8080/auth", "", 0}, {"https://app.example.com/auth", "", 5 * time.Second},
		{"https://app.example.com/auth", "0", 0}, {"http://localhost:8080/auth", "250ms", 250 * time.Millisecond},
	} {
		s := &settings{listen: "127.0.0.1:8787", publicURL: c.public, stopDelay: c.delay}
		if got := s.delay(); got != c.want {
			t.Errorf("%s, %q: %v, want %v", c.public, c.delay, got, c.want)
		}
	}
}
