package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
	"github.com/tabard-auth/tabard/backend/remote"
)

// remoteSettings are the settings for applying a file through the administration API.
type remoteSettings struct{ url, key string }

// flags returns the settings that the environment may set. The URL can be set on the
// command line only.
func (r *remoteSettings) flags() *pflag.FlagSet {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.StringVar(&r.key, "key", "", "administration `KEY` to the workspace, for --url; safer in the environment, which ps does not show")
	return flags
}

// apply applies a file through the administration API.
func (r *remoteSettings) apply(ctx context.Context, path string, desired directory.Desired, dryRun bool, out, progress io.Writer) error {
	if r.key == "" {
		return errors.New("--url needs --key or TABARD_KEY: a key to the workspace, made by tabard keys create")
	}
	client, err := remote.New(r.url, r.key, nil)
	if err != nil {
		return fmt.Errorf("--url: %w", err)
	}
	secrets, err := workspacefile.ReadSecrets(desired)
	if err != nil {
		return notAppliedError(path, err)
	}
	p := &applyProgress{out: progress, total: desired.MemberCount(), lastReport: time.Now()}
	how := remote.ApplyOptions{DryRun: dryRun, OnProgress: p.report, Secrets: secrets}
	if dryRun {
		how.OnDifference = func(d directory.Difference) { fmt.Fprintln(out, d) }
	}
	changes, err := client.Apply(ctx, desired, how)
	return reportApplied(path, desired, changes, err, dryRun, out)
}

// reportApplied prints the changes that an apply made, or would make.
func reportApplied(path string, desired directory.Desired, changes directory.Changes, err error, dryRun bool, out io.Writer) error {
	var conflicts directory.Conflicts
	switch {
	case errors.As(err, &conflicts):
		return notAppliedError(path, conflicts)
	case err != nil && !changes.None() && !dryRun:
		return fmt.Errorf("%s: applied in part; apply it again to finish\n%w", path, err)
	case err != nil:
		return err
	case dryRun && !changes.None():
		fmt.Fprintln(out, "\nDry run, nothing was changed. Applying the file would make these changes:")
	}
	_, err = io.WriteString(out, summary(desired, changes))
	return err
}
