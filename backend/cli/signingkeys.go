package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/signingkey"
)

func signingKeysCommand() *cobra.Command {
	command := &cobra.Command{
		Use:     "signing-keys",
		Short:   "List, rotate and retire the keys that sign tokens",
		GroupID: groupWorkspace,
		Long: `A signing key is published for an hour before it signs, and for an hour after the next
one took over, so that no valid token is refused. The server creates the next key by
itself, after --signing-key-life of serve.

An organization whose policy requires its own signing key has its own keys, which
rotate in the same way.`,
	}
	command.AddCommand(listKeysCommand(), rotateKeysCommand(), retireKeyCommand())
	return command
}

// shownKey is a signing key in the output of --json. Times are Unix seconds.
type shownKey struct {
	ID             string               `json:"id"`
	OrganizationID string               `json:"organization_id"` // "" is the workspace
	Algorithm      signingkey.Algorithm `json:"algorithm"`
	Stage          signingkey.Stage     `json:"stage"`
	CreatedAt      int64                `json:"created_at"`
	SignsAt        int64                `json:"signs_at"`
	RetiresAt      int64                `json:"retires_at,omitempty"`
}

func listKeysCommand() *cobra.Command {
	var s settings
	var asJSON bool
	command := &cobra.Command{
		Use:   "list",
		Short: "List signing keys and their stages",
		Long: `List shows the signing keys and their stages: prepared (published, not used yet),
signing, kept (published for the tokens it signed) and gone.`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			s.warn(c)
			all, err := s.signingKeys(c.Context(), time.Now().Unix())
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.OutOrStdout(), all)
			}
			_, err = io.WriteString(c.OutOrStdout(), keyTable(all))
			return err
		},
	}
	s.addDatabase(command)
	command.Flags().BoolVar(&asJSON, "json", false, "write them as JSON")
	return command
}

// keyPage is the number of organizations whose keys are read at a time.
const keyPage = 500

// signingKeys returns the workspace's keys and then those of organizations.
func (s *settings) signingKeys(ctx context.Context, now int64) ([]shownKey, error) {
	store, err := s.openOrMake(ctx)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	chain, err := store.SigningKeys(ctx, "")
	if err != nil {
		return nil, err
	}
	all := append([]shownKey{}, shownKeys(chain, now)...)
	for after, more := "", true; more; {
		page, err := store.SigningKeyIssuers(ctx, after, keyPage)
		if err != nil {
			return nil, err
		}
		for _, i := range page {
			all, after = append(all, shownKeys(i.Keys, now)...), i.Organization
		}
		more = len(page) == keyPage
	}
	return all, nil
}

func shownKeys(chain signingkey.Chain, now int64) (all []shownKey) {
	for i, k := range chain {
		all = append(all, shownKey{k.ID, k.Organization, k.Algorithm, chain.Stage(i, now), k.CreatedAt, k.SignsAt, k.RetiresAt})
	}
	return all
}

func keyTable(all []shownKey) string {
	if len(all) == 0 {
		return "There is no signing key yet: the server creates one when it first starts.\n"
	}
	var text strings.Builder
	columns := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "KEY\tALGORITHM\tSTAGE\tSIGNS FROM\tOWNER")
	for _, k := range all {
		owner := k.OrganizationID
		if owner == "" {
			owner = "the workspace"
		}
		fmt.Fprintf(columns, "%s\t%s\t%s\t%s\t%s\n", k.ID, k.Algorithm, k.Stage, formatTime(k.SignsAt), owner)
	}
	columns.Flush()
	return text.String()
}
