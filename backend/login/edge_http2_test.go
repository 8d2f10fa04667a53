package login_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/web-demo/idp/logintest"
)

// leaving takes a request of an HTTP/2 connection back, instead of answering it. It
// reports whether the connection closes.
type leaving func(f *http2.Framer, stream uint32) (closes bool)

// provider2 serves a provider by HTTP/2. Its first connection leaves at its request of
// that number, from 1.
func provider2(t *testing.T, at int, leave leaving) (*logintest.Provider, *login.Provider, *atomic.Int32) {
	t.Helper()
	var p *logintest.Provider
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.ServeHTTP(w, r) }))
	server.EnableHTTP2 = true
	server.Listener = &listener{Listener: server.Listener, opened: &opened, first: func(c net.Conn) {
		leaveAt(tls.Server(c, server.TLS), server.Config.Handler, at, leave)
	}}
	server.StartTLS()
	t.Cleanup(server.Close)
	p = logintest.New(t, server.URL)
	p.Now = func() time.Time { return time.Unix(now, 0) }
	transport := login.NewTransport(true)
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
	t.Cleanup(transport.CloseIdleConnections)
	return p, login.New(login.Config{
		Issuer: p.Issuer, ClientID: logintest.ClientID, ClientSecret: logintest.ClientSecret, RedirectURL: callback, Transport: transport,
	}), &opened
}

// listener counts connections, and keeps the first from the server.
type listener struct {
	net.Listener
	opened *atomic.Int32
	first  func(net.Conn)
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil && l.opened.Add(1) == 1 {
		go l.first(c)
		return l.Accept()
	}
	return c, err
}

// leaveAt answers the GET requests of a connection, until the one at which it leaves.
func leaveAt(c *tls.Conn, h http.Handler, at int, leave leaving) {
	defer c.Close()
	if _, err := io.ReadFull(c, make([]byte, len(http2.ClientPreface))); err != nil {
		return
	}
	f := http2.NewFramer(c, c)
	f.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	f.WriteSettings()
	for n := 0; ; {
		frame, err := f.ReadFrame()
		if err != nil {
			return
		}
		headers, asks := frame.(*http2.MetaHeadersFrame)
		if !asks {
			continue
		}
		if n++; n < at {
			answer := httptest.NewRecorder()
			h.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, headers.PseudoValue("path"), nil))
			respond(f, headers.StreamID, answer)
		} else if n == at && leave(f, headers.StreamID) {
			return
		}
	}
}

func respond(f *http2.Framer, stream uint32, answer *httptest.ResponseRecorder) {
	var block bytes.Buffer
	e := hpack.NewEncoder(&block)
	e.WriteField(hpack.HeaderField{Name: ":status", Value: strconv.Itoa(answer.Code)})
	e.WriteField(hpack.HeaderField{Name: "content-type", Value: answer.Header().Get("Content-Type")})
	f.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: block.Bytes(), EndHeaders: true})
	f.WriteData(stream, true, answer.Body.Bytes())
}

// TestEdge_HTTP2Leaves checks that a provider whose servers restart costs nobody a
// sign-in: a request that was not carried out is sent again, with its body.
func TestEdge_HTTP2Leaves(t *testing.T) {
	for name, leave := range map[string]leaving{
		"GOAWAY": func(f *http2.Framer, _ uint32) bool {
			f.WriteGoAway(0, http2.ErrCodeNo, []byte("restart"))
			return false
		},
		"GOAWAY, and closed": func(f *http2.Framer, _ uint32) bool {
			f.WriteGoAway(0, http2.ErrCodeNo, nil)
			return true
		},
		"the stream refused": func(f *http2.Framer, stream uint32) bool {
			f.WriteRSTStream(stream, http2.ErrCodeRefusedStream)
			f.WriteGoAway(0, http2.ErrCodeNo, nil)
			return false
		},
		"GOAWAY of all, then of none": func(f *http2.Framer, _ uint32) bool {
			f.WriteGoAway(1<<31-1, http2.ErrCodeNo, nil)
			f.WriteGoAway(0, http2.ErrCodeNo, nil)
			return false
		},
	} {
		for at, request := range map[int]string{1: "metadata", 2: "token"} {
			t.Run(name+", "+request, func(t *testing.T) {
				p, c, opened := provider2(t, at, leave)
				attempt := login.NewAttempt("web", "https://app.example/", now)
				address, err := c.AuthorizationURL(t.Context(), attempt, login.Request{})
				if err != nil {
					t.Fatal(err)
				}
				answer := p.SignIn(address, "alice")
				got, err := c.Identify(t.Context(), attempt, answer, now)
				if err != nil || got.Subject != "alice" || opened.Load() < 2 || len(p.Redeemed) != 1 || p.Redeemed[0].Get("code") != answer.Get("code") {
					t.Errorf("%v after %d connections, %d codes redeemed: %v", got.Subject, opened.Load(), len(p.Redeemed), err)
				}
			})
		}
	}
}

// TestEdge_HTTP2Breaks checks that a connection that ends in the middle of a request is a
// fault of the provider's, and that the code, which may be used, is not sent again.
func TestEdge_HTTP2Breaks(t *testing.T) {
	for name, leave := range map[string]leaving{
		"GOAWAY": func(f *http2.Framer, stream uint32) bool {
			f.WriteGoAway(stream, http2.ErrCodeInternal, []byte("overload"))
			return true
		},
		"the stream reset": func(f *http2.Framer, stream uint32) bool {
			f.WriteRSTStream(stream, http2.ErrCodeInternal)
			return false
		},
		"closed": func(*http2.Framer, uint32) bool { return true },
		"an answer without an end": func(f *http2.Framer, stream uint32) bool {
			answer := httptest.NewRecorder()
			answer.WriteString(`{"id_token":"`)
			respond(f, stream, answer)
			return true
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, c, _ := provider2(t, 2, leave)
			attempt := login.NewAttempt("web", "https://app.example/", now)
			address, err := c.AuthorizationURL(t.Context(), attempt, login.Request{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.Identify(t.Context(), attempt, p.SignIn(address, "alice"), now)
			if login.FaultOf(err) != login.FaultAway || len(p.Redeemed) != 0 {
				t.Errorf("%q, %d codes redeemed: %v", login.FaultOf(err), len(p.Redeemed), err)
			}
		})
	}
}
