package doctor

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/tabard-auth/tabard/backend/directory"
)

const cookies = "cookies"

// Cookies for the echo: names like the backend's begin with the first, and one is without.
const (
	likeOurs   = "__Host-Http-tabard.doctor"
	likeTheirs = "doctor-control"
	marker     = "tabard-doctor-1d0f5c"
)

// stripAdvice says how to configure a proxy on a host that the backend shares.
const stripAdvice = "Let the proxy remove every cookie whose name begins with __Host-Http-tabard from requests that it does not forward to the backend. " +
	"To check: sign in, open a page of the app, and check that the Cookie header that the app receives has none of them. " +
	"With an address outside the mount that answers with the request's headers, --echo-url URL checks it."

// cookies checks which servers receive the session cookie. __Host- requires Path=/, so
// browsers send it to the backend's whole host. An app on the same host must not
// receive it.
func (e *examination) cookies(ctx context.Context, public *url.URL) {
	switch {
	case e.EchoURL != "":
		e.echo(ctx, public)
	case e.workspace == nil:
		e.add(cookies, Look, stripAdvice, "it is not known whether an app shares the host %s; if one does, its proxy must remove the session cookie", public.Host)
	case !sharesHost(e.workspace, public):
		e.ok(cookies, "no app shares the host %s, so none receives the session cookie", public.Host)
	default:
		e.add(cookies, Look, stripAdvice, "an app shares the host %s; whether the proxy removes the session cookie cannot be checked from outside", public.Host)
	}
}

// oursAll are as many cookies like the backend's as a browser has at most: those of twelve
// sessions, and a sign-in's.
func oursAll() []string {
	names := []string{"__Host-Http-tabard-login.doctor"}
	for i := range 12 {
		names = append(names, fmt.Sprintf("%s.%08d", likeOurs, i))
	}
	return names
}

// sharesHost reports whether an app's pages are served by the backend's host. Cookies
// ignore ports.
func sharesHost(w *directory.Workspace, public *url.URL) bool {
	return slices.ContainsFunc(w.Apps, func(a directory.App) bool {
		return slices.ContainsFunc(a.Origins, func(origin string) bool {
			u, err := url.Parse(origin)
			return err == nil && u.Hostname() == public.Hostname()
		})
	})
}

// echo sends cookies to an address that answers with the headers it received. Only the one
// that is not the backend's may come back.
func (e *examination) echo(ctx context.Context, public *url.URL) {
	u, err := url.Parse(e.EchoURL)
	mount := strings.TrimSuffix(public.Path, "/") + "/"
	if err != nil || u.Hostname() != public.Hostname() || (u.Host == public.Host && strings.HasPrefix(u.Path+"/", mount)) {
		e.add(cookies, Problem, "Use an address of the app, on the host "+public.Hostname()+" but outside "+mount, "--echo-url %s is not an address of the app", e.EchoURL)
		return
	}
	ours := oursAll()
	a, err := e.get(ctx, e.EchoURL, "Cookie", likeTheirs+"="+marker+"; "+strings.Join(ours, "="+marker+"; ")+"="+marker)
	came := 0
	for _, name := range ours {
		if err == nil && a.carries(name) {
			came++
		}
	}
	switch {
	case err != nil:
		e.add(cookies, Problem, "Check --echo-url.", "%s does not answer: %v", e.EchoURL, err)
	case came > 0 && came < len(ours):
		e.add(cookies, Problem, stripAdvice, "%s received %d of %d cookies named like a session's: the proxy removes only some of those that a browser has", e.EchoURL, came, len(ours))
	case came > 0:
		e.add(cookies, Problem, stripAdvice, "%s received a cookie named like the session's", e.EchoURL)
	case !a.carries(likeTheirs):
		e.add(cookies, Look, stripAdvice, "%s does not answer with the cookies that it received, so this cannot be checked (%s)", e.EchoURL, a.describe())
	default:
		e.ok(cookies, "%s does not receive a cookie named like the session's", e.EchoURL)
	}
}

// carries reports whether a cookie's name comes back, in a header or the body.
func (a *answer) carries(name string) bool {
	var headers bytes.Buffer
	http.Header(a.header).Write(&headers)
	return bytes.Contains(a.body, []byte(name)) || bytes.Contains(headers.Bytes(), []byte(name))
}
