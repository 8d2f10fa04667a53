package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/directory"
)

func membersCommand() *cobra.Command {
	command := &cobra.Command{
		Use:     "members",
		Short:   "List, admit, invite, change and remove members",
		GroupID: groupAdministration,
		Long: `A person who signs in and belongs to no organization is shown a page that says so, and
waits. These commands list and admit people who wait, or invite a person, who becomes
a member on accepting.

Members admitted here stay when the workspace file is applied again, unless the file
names them: it then manages them.`,
	}
	command.AddCommand(append(memberCommands(), pendingCommand(), admitCommand())...)
	return command
}

// pendingPerson is a person in the output of --json.
type pendingPerson struct {
	UserID  string `json:"user_id"`
	Issuer  string `json:"iss"`
	Subject string `json:"sub"`
	Name    string `json:"name"`
	Email   string `json:"email"`
	SeenAt  int64  `json:"seen_at"` // Unix seconds
}

func pendingCommand() *cobra.Command {
	var s settings
	var limit int
	var asJSON bool
	command := &cobra.Command{
		Use:               "pending",
		Short:             "List people who signed in but belong to no organization",
		Long:              `Pending lists people who signed in but belong to no organization, latest first.`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			if limit < 1 {
				return fmt.Errorf("--limit is %d; it must be at least 1", limit)
			}
			s.warn(c)
			people, err := s.pending(c.Context(), limit+1)
			if err != nil {
				return err
			}
			more := len(people) > limit
			people = people[:min(limit, len(people))]
			if asJSON {
				return writeJSON(c.OutOrStdout(), people)
			}
			fmt.Fprint(c.OutOrStdout(), pendingTable(people))
			if more {
				fmt.Fprintf(c.ErrOrStderr(), "These are the latest %d; there are more. See --limit.\n", limit)
			}
			return nil
		},
	}
	s.addDatabase(command)
	command.Flags().IntVar(&limit, "limit", 50, "list at most `N` people")
	command.Flags().BoolVar(&asJSON, "json", false, "write them as JSON")
	return command
}

func (s *settings) pending(ctx context.Context, limit int) ([]pendingPerson, error) {
	store, err := s.openExisting(ctx)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	waiting, err := store.Pending(ctx, limit)
	if err != nil {
		return nil, err
	}
	people := []pendingPerson{}
	for _, p := range waiting {
		people = append(people, pendingPerson{p.ID, p.Issuer, p.Subject, p.Name, p.Email, p.SeenAt})
	}
	return people, nil
}

// pendingTable formats people with the fields that distinguish them.
func pendingTable(people []pendingPerson) string {
	if len(people) == 0 {
		return "No one is waiting: every person who signed in belongs to an organization.\n"
	}
	var text strings.Builder
	columns := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "LAST SEEN\tUSER ID\tPERSON")
	for _, p := range people {
		seen := formatTime(p.SeenAt)
		fmt.Fprintf(columns, "%s\t%s\t%s\n", seen, p.UserID, printable(p.Name))
		fmt.Fprintf(columns, "\t\t%s\n", printable(p.Email))
		fmt.Fprintf(columns, "\t\tsub %s\n\t\tiss %s\n", printable(p.Subject), printable(p.Issuer))
	}
	columns.Flush()
	text.WriteString("\nTo admit a person: tabard members admit --organization SLUG --role ROLE --user ID\n")
	return text.String()
}

// printable formats a text from outside on one line, with characters that are not
// graphic escaped.
func printable(text string) string {
	if text == "" {
		return "-"
	}
	if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) }) {
		return strconv.QuoteToGraphic(text)
	}
	return text
}

func admitCommand() *cobra.Command {
	var s settings
	var a directory.Admission
	command := &cobra.Command{
		Use:   "admit",
		Short: "Admit a person to an organization",
		Long: `Admit makes a person who has signed in a member of an organization, or changes a
member's roles. It takes effect at the person's next request.`,
		Example: `  tabard members admit --organization acme --role editor --user usr_…
  tabard members admit --organization acme --role editor --role billing \
    --iss https://id.example.com --sub 248289761001`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			s.warn(c)
			if err := s.admit(c.Context(), a); err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "Admitted to %s as %s.\n", a.Organization, roleNames(a.Roles))
			return nil
		},
	}
	flags := command.Flags()
	flags.StringVar(&a.Organization, "organization", "", "`SLUG` or id of the organization")
	flags.StringArrayVar(&a.Roles, "role", nil, "`ROLE` in it; may be given several times")
	flags.StringVar(&a.UserID, "user", "", "`ID` of the person, as pending lists it")
	flags.StringVar(&a.Issuer, "iss", "", "`URL` of the person's provider, instead of --user")
	flags.StringVar(&a.Subject, "sub", "", "the person's `SUBJECT` (sub) at the provider, with --iss")
	s.addDatabase(command)
	command.MarkFlagRequired("organization")
	command.MarkFlagsOneRequired("user", "sub")
	command.MarkFlagsMutuallyExclusive("user", "sub")
	command.MarkFlagsRequiredTogether("iss", "sub")
	for _, flag := range []string{"organization", "role", "user", "iss", "sub"} {
		command.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions)
	}
	return command
}

func (s *settings) admit(ctx context.Context, a directory.Admission) error {
	store, err := s.openExisting(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	service := admin.New(admin.Config{Store: store, Now: time.Now})
	_, err = service.Admit(ctx, commandLine(), a)
	switch {
	case errors.Is(err, directory.ErrNoUser):
		return errors.New("no such person has signed in; see: tabard members pending")
	case errors.Is(err, directory.ErrNoOrganization):
		return fmt.Errorf("there is no organization %q", a.Organization)
	case errors.Is(err, directory.ErrNoRole):
		w, failed := store.Workspace(ctx)
		if failed != nil {
			return failed
		}
		return fmt.Errorf("%w; there are: %s", errors.Unwrap(err), strings.Join(w.RoleNames(), ", "))
	case errors.Is(err, directory.ErrStaff):
		return fmt.Errorf("this person has staff access to %s; end that first: tabard staff end", a.Organization)
	case errors.Is(err, directory.ErrFromFile):
		return fmt.Errorf("this membership in %s is managed by the workspace file; change the file and apply it", a.Organization)
	}
	return err
}

func roleNames(roles []string) string {
	if len(roles) == 0 {
		return "a member without a role"
	}
	return strings.Join(roles, ", ")
}
