package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
)

// rotation holds the flags of rotate.
type rotation struct {
	organization string
	soon         bool
	printSQL     bool
}

func rotateKeysCommand() *cobra.Command {
	var s settings
	var r rotation
	command := &cobra.Command{
		Use:   "rotate",
		Short: "Replace the signing key",
		Long: `Rotate creates and publishes the next signing key, which signs an hour later. With
--now it signs as soon as caches have it: ten minutes after it was published. Tokens
signed by the previous key stay valid.

With --print-sql nothing is changed: SQL is printed for wrangler d1 execute. Only the
secret is needed then, of all settings.`,
		Example: `  tabard signing-keys rotate
  tabard signing-keys rotate --organization org_… --now`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			s.warn(c)
			text, err := r.rotate(c.Context(), &s, time.Now().Unix())
			if err != nil {
				return err
			}
			_, err = io.WriteString(c.OutOrStdout(), text)
			return err
		},
	}
	flags := command.Flags()
	flags.StringVar(&r.organization, "organization", "", "rotate the key of the organization `ID` instead of the workspace's")
	flags.BoolVar(&r.soon, "now", false, "start signing as soon as caches have the key (10 minutes)")
	flags.BoolVar(&r.printSQL, "print-sql", false, "print SQL for Cloudflare D1 instead of rotating")
	s.addKeys(command)
	command.RegisterFlagCompletionFunc("organization", cobra.NoFileCompletions)
	return command
}

// rotate makes the next key, or advances one that is prepared, and returns a text about
// it.
func (r rotation) rotate(ctx context.Context, s *settings, now int64) (string, error) {
	if hint := checkAlgorithm(s.signingAlgorithm); hint != "" {
		return "", s.wrong("signing-algorithm", hint).error()
	}
	path, err := serverSecretPath(s)
	if err != nil {
		return "", err
	}
	secret, err := readSecret(path)
	if err != nil {
		return "", fmt.Errorf("--secret-file: %s: %w", path, err)
	}
	algorithm := signingkey.Algorithm(s.signingAlgorithm)
	if r.printSQL {
		k, err := signingkey.NewKeyRing(nil, secret, algorithm).Draft(r.organization, signingkey.Lead, now, audit.CommandLine)
		return sqlstore.NextKeyScript(k, r.soon), err
	}
	store, err := s.openOrMake(ctx)
	if err != nil {
		return "", err
	}
	defer store.Close()
	next, err := r.next(ctx, store, signingkey.NewKeyRing(store, secret, algorithm), now)
	if err != nil {
		return "", err
	}
	if err := store.FollowUpSigningKeys(ctx, 0, now); err != nil {
		return "", err
	}
	return fmt.Sprintf("Key %s is published and signs from %s.\nTokens signed by the previous key stay valid.\n", next.ID, formatTime(next.SignsAt)), nil
}

// next returns the stored next key. It may be another process's that was faster.
func (r rotation) next(ctx context.Context, store signingkey.Admin, ring *signingkey.KeyRing, now int64) (signingkey.Stored, error) {
	chain, err := store.SigningKeys(ctx, r.organization)
	if err != nil {
		return signingkey.Stored{}, err
	}
	if r.organization != "" && len(chain) == 0 {
		return signingkey.Stored{}, fmt.Errorf("%q has no signing key of its own; an organization whose policy requires one gets it with its next token", r.organization)
	}
	if _, prepared := chain.Next(now); !prepared {
		if _, err := ring.Make(ctx, r.organization, chain, signingkey.Lead, now, audit.CommandLine); err != nil {
			return signingkey.Stored{}, err
		}
		if chain, err = store.SigningKeys(ctx, r.organization); err != nil {
			return signingkey.Stored{}, err
		}
	}
	next, prepared := chain.Next(now)
	if !prepared { // no key signed yet, so the new one does
		return chain[len(chain)-1], nil
	}
	if soonest := max(now, next.CreatedAt+signingkey.Soonest); r.soon && soonest < next.SignsAt {
		next.SignsAt = soonest
		return next, store.AdvanceSigningKey(ctx, next.ID, soonest)
	}
	return next, nil
}

func retireKeyCommand() *cobra.Command {
	var s settings
	var printSQL bool
	command := &cobra.Command{
		Use:   "retire KEY",
		Short: "Retire a compromised signing key immediately",
		Long: `Retire is for a signing key that was compromised. From the next token on servers sign
with another key, and within a second they no longer publish this one. APIs that follow
the feed of endings refuse all its tokens within a second, others as soon as they fetch
the key set again: caches keep it for five minutes, this project's verifier for ten,
others as configured. Open tabs get new tokens by themselves; nobody is signed out.

To replace a key that is not compromised, use rotate.`,
		Example:           `  tabard signing-keys retire mfrggzdfmztwq2lk`,
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			s.warn(c)
			now := time.Now().Unix()
			if printSQL {
				_, err := io.WriteString(c.OutOrStdout(), sqlstore.RetireKeyScript(args[0], audit.CommandLine, now))
				return err
			}
			if err := s.retire(c.Context(), args[0], now); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "Key %s is retired. APIs refuse its tokens when they hear of it in the feed of endings, or next fetch the key set.\n", args[0])
			return nil
		},
	}
	s.addDatabase(command)
	command.Flags().BoolVar(&printSQL, "print-sql", false, "print SQL for Cloudflare D1 instead of retiring")
	return command
}

func (s *settings) retire(ctx context.Context, id string, now int64) error {
	store, err := s.openOrMake(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	retired, err := store.RetireSigningKey(ctx, id, audit.CommandLine, now)
	if err != nil {
		return err
	}
	if !retired {
		return fmt.Errorf("there is no key %q, or it was retired before; see: tabard signing-keys list", id)
	}
	return store.FollowUpSigningKeys(ctx, 0, now)
}
