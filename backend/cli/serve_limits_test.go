package cli

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/host"
)

// pipes is a listener without a network, whose connections know the test's own time.
type pipes struct {
	connections chan net.Conn
	closed      chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.connections:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// connect returns the client's end of a new connection.
func (p *pipes) connect() net.Conn {
	client, server := net.Pipe()
	p.connections <- server
	return client
}

// running runs a server while a test talks to it, both in the test's own time.
func running(t *testing.T, handler http.HandlerFunc, talk func(*pipes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		p := &pipes{connections: make(chan net.Conn), closed: make(chan struct{})}
		ctx, stop := context.WithCancel(t.Context())
		log := slog.New(slog.DiscardHandler)
		ended := make(chan error, 1)
		go func() {
			ended <- gracefulStop{&host.Readiness{}, 0, func() {}}.run(ctx, enter(p, handler, log), log)
		}()
		talk(p)
		stop()
		if err := <-ended; err != nil {
			t.Errorf("the server ended with %v", err)
		}
	})
}

// closedAfter reads to the end of what the server sends, and tells how long that took.
func closedAfter(c net.Conn) (string, time.Duration) {
	began := time.Now()
	text, _ := io.ReadAll(c)
	return string(text), time.Since(began)
}

func TestServer_WaitsForNobodyForLong(t *testing.T) {
	handler := func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			w.WriteHeader(http.StatusRequestTimeout)
		}
	}
	for name, c := range map[string]struct {
		sent string
		most time.Duration
	}{
		"nothing":           {"", 5 * time.Second},
		"half a header":     {"GET / HTTP/1.1\r\nHost: app.example.com\r\nX-Half: ", 5 * time.Second},
		"half a body":       {"POST / HTTP/1.1\r\nHost: app.example.com\r\nContent-Length: 10\r\n\r\nhalf", 15 * time.Second},
		"no second request": {"GET / HTTP/1.1\r\nHost: app.example.com\r\n\r\n", 2 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			running(t, handler, func(p *pipes) {
				client := p.connect()
				io.WriteString(client, c.sent)
				if said, after := closedAfter(client); after > c.most {
					t.Errorf("it waited %v, and said %q", after, said)
				}
			})
		})
	}
}

func TestServer_WaitsForNobodyToReadForLong(t *testing.T) {
	var waited time.Duration
	handler := func(w http.ResponseWriter, _ *http.Request) {
		began := time.Now()
		for range 100 {
			if _, err := io.WriteString(w, strings.Repeat("x", 64<<10)); err != nil {
				break
			}
		}
		waited = time.Since(began)
	}
	running(t, handler, func(p *pipes) {
		client := p.connect()
		io.WriteString(client, "GET / HTTP/1.1\r\nHost: app.example.com\r\n\r\n")
		time.Sleep(time.Hour)
		client.Close()
		synctest.Wait()
	})
	if waited > 30*time.Second {
		t.Errorf("it waited %v", waited)
	}
}

func TestServer_TakesNoHeaderOfAnySize(t *testing.T) {
	handler := func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "taken") }
	for size, want := range map[int]int{8 << 10: http.StatusOK, 32 << 10: http.StatusRequestHeaderFieldsTooLarge, 200 << 10: http.StatusRequestHeaderFieldsTooLarge} {
		running(t, handler, func(p *pipes) {
			client := p.connect()
			go io.WriteString(client, "GET / HTTP/1.1\r\nHost: app.example.com\r\nConnection: close\r\nX-Large: "+strings.Repeat("x", size)+"\r\n\r\n")
			answer, err := http.ReadResponse(bufio.NewReader(client), nil)
			if err != nil || answer.StatusCode != want {
				t.Errorf("a header of %d bytes: %v %v", size, answer, err)
			}
			client.Close()
		})
	}
}
