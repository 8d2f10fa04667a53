// Command local takes the place of bin/tabard where the Worker is to be tried
// without an account: the same apply, keys create and serve, on workerd and a local D1.
//
//	go build -o bin/tabard-worker ./worker/local
//	go run ./web-demo --tabard bin/tabard-worker
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/worker/workerd"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "local: "+err.Error())
		os.Exit(1)
	}
}

func run(args []string) error {
	state, err := stateFolder(os.Getenv("TABARD_DATABASE"))
	if err != nil {
		return err
	}
	if err := workerd.Installed(); err != nil {
		return err
	}
	switch {
	case len(args) == 2 && args[0] == "apply":
		return apply(state, args[1])
	case len(args) > 1 && args[0] == "keys" && args[1] == "create":
		return createKey(state, args[2:])
	case len(args) > 0 && args[0] == "serve":
		return serve(state, args[1:])
	}
	return errors.New("usage: local apply FILE, local keys create or local serve with tabard's flags")
}

// stateFolder returns the folder of the local D1, beside the file that tabard would
// use.
func stateFolder(database string) (string, error) {
	file, ok := strings.CutPrefix(database, "sqlite:")
	if !ok || file == "" {
		file = "tabard.db"
	}
	state, err := filepath.Abs(file + ".d1")
	if err != nil {
		return "", err
	}
	return state, os.MkdirAll(state, 0o700)
}

func apply(state, file string) error {
	written, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	desired, err := workspacefile.Parse(written)
	if err != nil {
		return fmt.Errorf("%s: nothing was applied\n%w", file, err)
	}
	if err := errors.Join(workerd.Build(), workerd.Migrate(state)); err != nil {
		return err
	}
	text, err := secret(filepath.Join(state, "secret"))
	if err != nil {
		return err
	}
	sealing, err := signingkey.ParseSecret(text)
	if err != nil {
		return err
	}
	unknown := func(string) (string, error) { return "", nil } // each start seals anew
	if err := workspacefile.SealSecrets(&desired, sealing.Sealer(signingkey.ForConnections), unknown); err != nil {
		return err
	}
	return workerd.Apply(state, desired)
}

// serve runs the Worker, as apply left it, until it is interrupted.
func serve(state string, args []string) error {
	flags := flag.NewFlagSet("serve", flag.ContinueOnError)
	listen := flags.String("listen", "127.0.0.1:8787", "`HOST:PORT`, on loopback")
	publicURL := flags.String("public-url", "", "the backend's `URL` as browsers see it")
	issuer := flags.String("oidc-issuer", "", "`URL` of the OpenID provider")
	loopback := flags.Bool("loopback-connections", false, "let organizations' own providers be on this machine")
	clientID := flags.String("oidc-client-id", "", "`ID` of this client at the provider")
	if err := flags.Parse(args); err != nil {
		return err
	}
	_, text, err := net.SplitHostPort(*listen)
	if err != nil {
		return err
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		return err
	}
	variables := workerd.Variables(*publicURL, *issuer, *clientID, os.Getenv("TABARD_OIDC_CLIENT_SECRET"))
	variables["TABARD_LOOPBACK_CONNECTIONS"] = strconv.FormatBool(*loopback)
	if variables["TABARD_SECRET"], err = secret(filepath.Join(state, "secret")); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	w, err := workerd.Launch(workerd.Options{Port: port, Variables: variables, State: state}, os.Stderr)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-w.Ended():
	}
	return w.Stop()
}

// secret returns the secret in a file, and makes the file if there is none.
func secret(path string) (string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		_, made := signingkey.NewSecret()
		return made, os.WriteFile(path, []byte(made), 0o600)
	}
	return string(text), err
}
