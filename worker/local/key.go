package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/worker/workerd"
)

// createKey makes a key as tabard keys create --print-sql does, and stores it. The
// Worker must not run yet: wrangler opens the database by itself.
func createKey(state string, args []string) error {
	var n admin.NewKey
	flags := flag.NewFlagSet("keys create", flag.ContinueOnError)
	flags.StringVar(&n.Name, "name", "", "name of the key, as `TEXT`")
	flags.StringVar((*string)(&n.Kind), "kind", "", "administration or workspace")
	flags.StringVar(&n.App, "app", "", "let only the server of the `APP` use it")
	life := flags.Duration("expires", 0, "let it end after `TIME`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	n.ExpiresIn = int64(*life / time.Second)
	text, err := secret(filepath.Join(state, "secret"))
	if err != nil {
		return err
	}
	own, err := signingkey.ParseSecret(text)
	if err != nil {
		return err
	}
	by := admin.Actor{ID: audit.CommandLine}
	k, shown, err := admin.New(admin.Config{Secret: own, Now: time.Now}).DraftKey(by, n, "")
	if err != nil {
		return err
	}
	if err := workerd.Execute(state, sqlstore.KeyScript(k, admin.KeyCreatedEvent(by, k))); err != nil {
		return err
	}
	_, err = fmt.Fprintln(os.Stdout, shown)
	return err
}
