package login_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// pipes is a network of connections in memory, which ends with a test's bubble.
type pipes struct {
	connections chan net.Conn
	closed      chan struct{}
}

func (p pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.connections:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p pipes) Close() error   { close(p.closed); return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

// served returns a relying party that reaches a handler through net/http. end is called
// at the end of the bubble.
func served(t *testing.T, handler http.Handler) (c *login.Provider, end func()) {
	t.Helper()
	network := pipes{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: handler}
	go server.Serve(network)
	transport := login.NewTransport(true)
	transport.DialTLSContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		here, there := net.Pipe()
		select {
		case network.connections <- there:
			return here, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return login.New(login.Config{
			Issuer: issuer, ClientID: logintest.ClientID, ClientSecret: logintest.ClientSecret, RedirectURL: callback, Transport: transport,
		}), func() {
			transport.CloseIdleConnections()
			server.Close()
			time.Sleep(time.Minute) // of the bubble's, for requests in progress to end
		}
}

// answers are bodies that do not end, or not soon.
var answers = map[string]http.HandlerFunc{
	"endless": func(w http.ResponseWriter, _ *http.Request) {
		for w.Write(bytes.Repeat([]byte(" "), 32<<10)); ; {
			if _, err := w.Write(bytes.Repeat([]byte(" "), 32<<10)); err != nil {
				return
			}
		}
	},
	"an endless list": func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"keys":[`)
		for {
			if _, err := io.WriteString(w, strings.Repeat("["+otherKey+"],", 100)); err != nil {
				return
			}
		}
	},
	"a byte a second": func(w http.ResponseWriter, r *http.Request) {
		for range time.NewTicker(time.Second).C {
			if _, err := io.WriteString(w, " "); err != nil || http.NewResponseController(w).Flush() != nil || r.Context().Err() != nil {
				return
			}
		}
	},
	"a byte in ten milliseconds": func(w http.ResponseWriter, r *http.Request) {
		for range time.NewTicker(10 * time.Millisecond).C {
			if _, err := io.WriteString(w, " "); err != nil || http.NewResponseController(w).Flush() != nil || r.Context().Err() != nil {
				return
			}
		}
	},
	"a body that swells": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(bomb)
	},
	"a cut body": func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "1000")
		io.WriteString(w, `{"issuer":`)
	},
	"no body and no answer": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	"a redirect": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, issuer+"/elsewhere", http.StatusFound)
	},
	"a redirect that repeats the request": func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://evil.example"+r.URL.Path, http.StatusTemporaryRedirect)
	},
	"headers without end": func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer conn.Close()
		for line := "HTTP/1.1 200 OK\r\n"; err == nil; line = strings.Repeat("X: "+strings.Repeat("x", 100)+"\r\n", 100) {
			_, err = io.WriteString(conn, line)
		}
	},
}

// bomb is a gzip stream of 200 MB.
var bomb = func() []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for range 200 {
		z.Write(make([]byte, 1<<20))
	}
	z.Close()
	return b.Bytes()
}()

// TestEdge_EveryEndpoint checks that no body of any endpoint takes more than the time of
// one call or much memory, and that the error is the deployment's. Userinfo is optional.
func TestEdge_EveryEndpoint(t *testing.T) {
	for name, answer := range answers {
		for path, fault := range map[string]login.Fault{
			"/.well-known/openid-configuration": login.FaultAway, "/token": login.FaultAway, "/jwks.json": login.FaultKeys, "/userinfo": "",
		} {
			t.Run(strings.TrimPrefix(path, "/")+", "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := provider(t)
					p.Endpoints = map[string]http.HandlerFunc{path: answer}
					c, end := served(t, p)
					defer end()
					var before, after runtime.MemStats
					runtime.ReadMemStats(&before)
					began := time.Now()
					got, err := signInAt(t, c, p, nil)
					runtime.ReadMemStats(&after)
					if took := time.Since(began); took > 20*time.Second {
						t.Errorf("it took %v", took)
					}
					if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used > 64 {
						t.Errorf("it allocated %d MB", used)
					}
					if login.FaultOf(err) != fault || (err == nil) != (fault == "") || fault == "" && (got.Subject != "alice" || got.UserInfo != nil) {
						t.Errorf("%q, want %q: %.300v", login.FaultOf(err), fault, err)
					}
					if err != nil && len(err.Error()) > 800 {
						t.Errorf("the error has %d bytes", len(err.Error()))
					}
				})
			})
		}
	}
}

// TestEdge_SlowEverywhere checks that endpoints that each answer in time take no more
// together than one call may: less than the server has for its answer (30 s). A host with
// a deadline keeps time for what follows.
func TestEdge_SlowEverywhere(t *testing.T) {
	const second = time.Second
	for _, test := range []struct{ each, deadline, most, userinfo time.Duration }{
		{6 * second, 0, 18 * second, 1}, {9 * second, 0, 20 * second, 0}, {4 * second, 12 * second, 9 * second, 0}, {2 * second, 12 * second, 6 * second, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := provider(t)
			c, end := served(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(test.each) // of the bubble's
				p.ServeHTTP(w, r)
			}))
			defer end()
			attempt := login.NewAttempt("web", "https://app.example/", now)
			address, err := c.AuthorizationURL(t.Context(), attempt, login.Request{})
			if err != nil {
				t.Fatal(err)
			}
			ctx, began := t.Context(), time.Now()
			if test.deadline != 0 {
				limited, cancel := context.WithTimeout(ctx, test.deadline)
				defer cancel()
				ctx = limited
			}
			got, err := c.Identify(ctx, attempt, p.SignIn(address, "alice"), now)
			if took := time.Since(began); err != nil || took > test.most || (got.UserInfo == nil) != (test.userinfo == 0) {
				t.Errorf("%v each: %v after %v, userinfo failed: %v", test.each, err, took, got.UserInfo == nil)
			}
			if c.AddUserInfo(ctx, &got); time.Since(began) > test.most {
				t.Errorf("%v each: userinfo was asked again", test.each)
			}
		})
	}
}
