package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test binary be the command, so that tests see its exit code.
func TestMain(m *testing.M) {
	if os.Getenv("WEB_DEMO_RUN_MAIN") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), "WEB_DEMO_RUN_MAIN=1")
	return cmd
}

func TestTheCommandRefusesAProviderOffLoopback(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", "192.0.2.1:8081", ":8081", "[::]:0"} {
		out, err := command("--provider", address, "--port", "0", "--reports-port", "0", "--state", t.TempDir()).CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(string(out), "loopback") {
			t.Errorf("--provider %s: %v, output %q, want exit code 1 and the reason", address, err, out)
		}
	}
}

func TestTheCommandNamesWhatIsWrong(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no tabard":         {[]string{"--tabard", "/nowhere/tabard", "--port", "0", "--reports-port", "0", "--provider", "127.0.0.1:0"}, "make build"},
		"an argument":       {[]string{"something"}, `"something"`},
		"an unknown flag":   {[]string{"--prot", "1"}, "-prot"},
		"a port of letters": {[]string{"--port", "http"}, "-port"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			err := run(t.Context(), append([]string{"--state", t.TempDir()}, test.args...), &out)
			if err == nil || !strings.Contains(err.Error()+out.String(), test.want) {
				t.Errorf("error %v, output %q, want %q in it", err, out.String(), test.want)
			}
		})
	}
}

func TestABusyPortIsAnError(t *testing.T) {
	listener, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	if err := run(t.Context(), []string{"--port", port, "--state", t.TempDir()}, io.Discard); err == nil || !strings.Contains(err.Error(), port) {
		t.Errorf("error %v, want one that names port %s", err, port)
	}
}

func TestABackendThatEndsAtOnceIsReported(t *testing.T) {
	o := options{tabard: "/bin/false", state: t.TempDir(), backendPort: 1}
	if _, err := startBackend(t.Context(), o, filepath.Join(o.state, "workspace.yaml"), "secret"); err == nil || !strings.Contains(err.Error(), "exit status 1") {
		t.Errorf("error %v, want the exit status", err)
	}
}

func TestForeignSettingsDoNotReachTheBackend(t *testing.T) {
	got := dropTabardVariables([]string{"PATH=/bin", "TABARD_PUBLIC_URL=https://elsewhere.example", "TABARD=1"})
	if strings.Join(got, " ") != "PATH=/bin TABARD=1" {
		t.Errorf("environment %q", got)
	}
}

func TestTheWorkspaceFollowsTheAddresses(t *testing.T) {
	w, err := newWorkspace([]string{"https://localhost:9443"}, "https://localhost:9444", "http://127.0.0.1:9081", "/tmp/a, b: {c}")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`origins: ["https://localhost:9443"]`, "audience: https://localhost:9443/api", "iss: http://127.0.0.1:9081", "issuer: http://127.0.0.1:9081/northwind", `{file: "/tmp/a, b: {c}/northwind.secret"}`} {
		if !strings.Contains(w.text, want) {
			t.Errorf("the workspace lacks %q", want)
		}
	}
	if strings.Contains(w.text, writtenOrigin) || strings.Contains(w.text, writtenProvider) {
		t.Error("the workspace still has an address that it was written with")
	}
}

// TestWorkspace_Several: both apps let several people be signed in.
func TestWorkspace_Several(t *testing.T) {
	w, err := newWorkspace([]string{writtenOrigin}, writtenReports, writtenProvider, ".run")
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(w.several().text, "\n    accounts: several\n"); n != 2 {
		t.Errorf("%d apps do", n)
	}
}

func TestThePeopleBelongToThreeOneAndNoOrganization(t *testing.T) {
	w, err := newWorkspace([]string{writtenOrigin}, writtenReports, writtenProvider, ".run")
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, person := range w.people() {
		got[person.Subject] = w.memberships(person.Subject)
	}
	want := map[string]string{
		"alice": "Acme Corporation (admin), Globex Shipping (editor), Initech Labs (viewer)",
		"bob":   "Globex Shipping (admin)",
		"carol": "no organization yet",
		"dana":  "Acme Corporation (viewer), Globex Shipping (viewer), Lamna Bank (editor), Northwind Traders (editor)",
	}
	for subject := range want {
		if got[subject] != want[subject] || len(got) != len(want) {
			t.Errorf("%s: %q, want %q (all: %v)", subject, got[subject], want[subject], got)
		}
	}
	for _, organization := range w.Organizations {
		if len(firstNotes[organization.ID]) == 0 {
			t.Errorf("%s has no note to begin with", organization.ID)
		}
	}
}

func TestTheGreetingOffersTLSWhereItIsNotOn(t *testing.T) {
	w, err := newWorkspace([]string{writtenOrigin}, writtenReports, writtenProvider, ".run")
	if err != nil {
		t.Fatal(err)
	}
	var plain, secure bytes.Buffer
	printGreeting(&plain, options{port: 8080, provider: "127.0.0.1:8081"}, w)
	printGreeting(&secure, options{port: 8080, provider: "127.0.0.1:8081", tls: true}, w)
	if !strings.Contains(plain.String(), "http://localhost:8080") || !strings.Contains(plain.String(), "--tls") {
		t.Errorf("without TLS: %s", plain.String())
	}
	if !strings.Contains(secure.String(), "https://localhost:8080") || strings.Contains(secure.String(), "Safari") {
		t.Errorf("with TLS: %s", secure.String())
	}
}

func TestTheCertificateServesLocalhost(t *testing.T) {
	certificate, err := selfSigned(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.Config.ErrorLog = serverLog(os.Stderr)
	server.StartTLS()
	defer server.Close()
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	for _, name := range []string{"localhost", "127.0.0.1"} {
		connection, err := tls.Dial("tcp", server.Listener.Addr().String(), &tls.Config{RootCAs: roots, ServerName: name})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		_ = connection.Close()
	}
}
