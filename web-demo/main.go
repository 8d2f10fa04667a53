// Command web-demo runs a small product of several organizations on loopback:
// a page and its API on localhost, bin/tabard behind the same origin at /auth, a
// second app on a sibling origin, and a development OpenID provider on another site.
//
//	browser ── localhost:8080 ─┬─ /       page (web-demo/page), or your own development server
//	   │                       ├─ /api/   notes (web-demo/notes), verifies access tokens
//	   │                       └─ /auth/  bin/tabard, on a loopback port of its own
//	   ├────── localhost:8090 ─── the second app, entered without a sign-in (web-demo/reports)
//	   └────── 127.0.0.1:8081 ─── development provider (web-demo/idp)
//
// With --origins the page is at app.localhost:8080, and each organization's at an origin
// of its own, such as acme.app.localhost:8080.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/web-demo/idp"
)

const clientID = "tabard" // the backend's, at the provider

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "web-demo:", err)
		os.Exit(1)
	}
}

// run starts the parts in the order in which they need each other, and ends them
// all when ctx does or when one of them fails.
func run(ctx context.Context, args []string, out io.Writer) error {
	o, err := readOptions(args, out)
	if err != nil {
		return err
	}
	w, err := newWorkspace(o.pageOrigins(), o.reports(), o.providerURL(), o.state)
	if err != nil {
		return err
	}
	if o.several {
		w = w.several()
	}
	pages, err := listenPages(o)
	if err != nil {
		return err
	}
	defer pages.close()
	clientSecret := rand.Text()
	provider, err := startProvider(o, w, clientSecret)
	if err != nil {
		return err
	}
	defer provider.Close()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	backend, err := prepareAndStart(ctx, o, w, clientSecret)
	if backend != nil {
		defer func() { cancel(); <-backend.ended }()
	}
	if err != nil {
		return ignoreCancelled(ctx, err)
	}
	servers, err := startApps(o, pages, backend.key)
	if err != nil {
		return err
	}
	for _, server := range servers {
		defer shutDown(server)
	}
	printGreeting(out, o, w)
	select {
	case <-ctx.Done():
		return nil
	case <-backend.ended:
		return ignoreCancelled(ctx, backend.failure())
	}
}

func startProvider(o options, w workspace, clientSecret string) (*http.Server, error) {
	config := idp.Config{
		Issuer:                 o.providerURL(),
		ClientID:               clientID,
		ClientSecret:           clientSecret,
		RedirectURIs:           []string{o.publicURL() + api.PathCallback},
		PostLogoutRedirectURIs: w.starts(o.pageOrigins()),
		People:                 w.people(),
	}
	handler, err := idp.New(config)
	if err != nil {
		return nil, err
	}
	config.Issuer, config.Name, config.People = o.providerURL()+northwind.path, "Northwind Traders", northwind.people
	config.RedirectURIs = []string{o.publicURL() + api.PathCallback + "/" + northwind.connection}
	ownHandler, err := idp.New(config)
	if err != nil {
		return nil, err
	}
	both := http.NewServeMux()
	both.Handle("/", handler)
	both.Handle(northwind.path+"/", ownHandler)
	listener, err := idp.Listen(o.provider)
	if err != nil {
		return nil, err
	}
	return serve(listener, both), nil
}

func prepareAndStart(ctx context.Context, o options, w workspace, clientSecret string) (*backend, error) {
	if err := os.MkdirAll(o.state, 0o700); err != nil {
		return nil, err
	}
	file, err := w.write(o.state, clientSecret)
	if err != nil {
		return nil, err
	}
	return startBackend(ctx, o, file, clientSecret)
}

// serve answers on a listener until the server is closed.
func serve(listener net.Listener, handler http.Handler) *http.Server {
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    128 << 10, // the backend bounds headers
		ErrorLog:          serverLog(os.Stderr),
	}
	go func() { _ = server.Serve(listener) }() // ends with ErrServerClosed
	return server
}

// shutDown lets requests under way finish, but not for long.
func shutDown(server *http.Server) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	_ = server.Shutdown(ctx) // requests that remain end with the process
}

// ignoreCancelled returns err unless it only says that the demo was told to end.
func ignoreCancelled(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
