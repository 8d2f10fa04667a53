package main

import (
	"flag"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// options are the demo's flags.
type options struct {
	port        int    // of the page
	reportsPort int    // of the second app's page
	backendPort int    // of bin/tabard
	provider    string // host:port of the development provider
	tabard      string // path of the program
	state       string // directory that keeps sessions between starts
	tls         bool
	origins     bool   // an origin for each organization, below app.localhost
	several     bool   // several people in one browser
	page        string // another page than the demo's: a directory, or a development server's address
}

func readOptions(args []string, out io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("web-demo", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.IntVar(&o.port, "port", 8080, "port of the page, on localhost")
	flags.IntVar(&o.reportsPort, "reports-port", 8090, "port of the second app, the reports, on localhost")
	flags.IntVar(&o.backendPort, "backend-port", 8082, "port of the token backend behind it, on 127.0.0.1")
	flags.StringVar(&o.provider, "provider", "127.0.0.1:8081", "loopback address of the development provider")
	flags.StringVar(&o.tabard, "tabard", "bin/tabard", "the tabard program to run")
	flags.StringVar(&o.state, "state", ".run", "directory that keeps sessions between starts")
	flags.BoolVar(&o.tls, "tls", false, "serve the page over https, with a certificate made at start")
	flags.BoolVar(&o.origins, "origins", false, "give each organization an origin of its own: the page is at app.localhost, and Acme's at acme.app.localhost")
	flags.BoolVar(&o.several, "several", false, "let several people be signed in in one browser")
	flags.StringVar(&o.page, "page", "", "page in place of the demo's: a directory, with index.html for its routes, or a development server, such as http://localhost:5173")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return o, o.checkPage()
}

// origin is the page's, and publicURL the backend's below it. The provider is on
// another site on purpose: sign-in then crosses sites, as it does in production.
func (o options) origin() string { return o.originAt(o.port) }

// reports is the second app's origin: of the same site, as everything that a session's
// cookie serves has to be.
func (o options) reports() string { return o.originAt(o.reportsPort) }

func (o options) originAt(port int) string {
	scheme := "http"
	if o.tls {
		scheme = "https"
	}
	host := "localhost"
	if o.origins {
		host = manyHost
	}
	return scheme + "://" + host + ":" + strconv.Itoa(port)
}

// manyHost is the host of the page where each organization has an origin of its own.
// Browsers resolve what ends in .localhost themselves (RFC 6761 section 6.3).
const manyHost = "app.localhost"

// hostPattern is the host of an organization's pages.
func (o options) hostPattern() string {
	return ":organization." + manyHost + ":" + strconv.Itoa(o.port)
}

// pageOrigins are the origins of the page, as the workspace file names them.
func (o options) pageOrigins() []string {
	if !o.origins {
		return []string{o.origin()}
	}
	scheme, _, _ := strings.Cut(o.origin(), "://")
	return []string{o.origin(), scheme + "://" + o.hostPattern()}
}

func (o options) publicURL() string   { return o.origin() + mount }
func (o options) providerURL() string { return "http://" + o.provider }
func (o options) backendAddress() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(o.backendPort))
}
