package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
	"github.com/tabard-auth/tabard/web-demo/notes"
	"github.com/tabard-auth/tabard/web-demo/reports"
)

// listeners are those of the two apps' pages.
type listeners struct{ notes, reports net.Listener }

func (l listeners) close() { _ = errors.Join(l.notes.Close(), l.reports.Close()) }

func listenPages(o options) (l listeners, err error) {
	if l.notes, err = listenPage(o, o.port); err != nil {
		return l, err
	}
	if l.reports, err = listenPage(o, o.reportsPort); err != nil {
		return l, errors.Join(err, l.notes.Close())
	}
	return l, nil
}

func listenPage(o options, port int) (net.Listener, error) {
	listener, err := net.Listen("tcp", fmt.Sprintf("localhost:%d", port))
	if err != nil || !o.tls {
		return listener, err
	}
	certificate, err := selfSigned(time.Now())
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}}), nil
}

// startApps starts the notes, with the backend behind them, and the reports, which
// count the same notes.
func startApps(o options, l listeners, key string) ([]*http.Server, error) {
	inner := &url.URL{Scheme: "http", Host: o.backendAddress()}
	keys := token.NewKeySet(inner.JoinPath(mount, api.PathKeySet).String(), nil)
	guards := map[string]*resource.Guard{}
	for _, origin := range []string{o.origin(), o.reports()} {
		verifier, err := token.NewVerifier(token.Config{Issuer: o.publicURL(), Audience: origin + "/api", Keys: keys})
		if err != nil {
			return nil, err
		}
		if guards[origin], err = resource.NewGuard(verifier, resource.Config{BaseURL: origin}); err != nil {
			return nil, err
		}
	}
	db, err := notes.Open()
	if err != nil {
		return nil, err
	}
	book := notes.NewBook(notes.Scoped(db))
	if err := book.Seed(context.Background(), firstNotes, time.Now()); err != nil {
		return nil, err
	}
	product := http.NewServeMux()
	product.Handle("/", notes.NewHandler(guards[o.origin()], book))
	product.Handle("POST /api/organizations/{organization}/reports", reportsEntry{
		guard: guards[o.origin()], sessions: sessionsAddress(inner), key: key, reports: o.reports(),
	})
	counting := reports.New(reports.Config{
		Guard: guards[o.reports()], Book: book, Backend: o.publicURL(), Notes: o.origin(), Now: time.Now,
	})
	return []*http.Server{
		serve(l.notes, newFront(o, inner, product)),
		serve(l.reports, withoutSessionCookies(counting)),
	}, nil
}
