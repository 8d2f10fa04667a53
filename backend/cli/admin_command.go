package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/user"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/audit"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

// adminCommand is a command for an operation that the administration API has too. It
// prints text for people and, with --json, the API's JSON.
type adminCommand[T any] struct {
	use, short, long, example string
	// args is the number of arguments in use.
	args int
	// secret requires the workspace's secret.
	secret bool
	// tells says which database is used: what the command does cannot be undone.
	tells bool
	flags func(*cobra.Command)
	run   func(*env, []string) (T, error)
	text  func(T) string
}

// env is the environment of a command that administers.
type env struct {
	*admin.Service
	ctx context.Context
	by  admin.Actor
	in  io.Reader
	err io.Writer
}

func (d adminCommand[T]) build() *cobra.Command {
	var s settings
	var asJSON bool
	command := &cobra.Command{
		Use: d.use, Short: d.short, Long: d.long, Example: d.example,
		Args:              cobra.ExactArgs(d.args),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, args []string) error {
			s.warn(c)
			result, err := d.execute(c, &s, args)
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.OutOrStdout(), result)
			}
			_, err = io.WriteString(c.OutOrStdout(), d.text(result))
			return err
		},
	}
	if d.long == "" {
		command.Long = d.short + "."
	}
	if d.flags != nil {
		d.flags(command)
	}
	command.Flags().BoolVar(&asJSON, "json", false, "write JSON in the form of the administration API")
	if d.secret {
		s.addSealing(command)
	} else {
		s.addDatabase(command)
	}
	return command
}

func (d adminCommand[T]) execute(c *cobra.Command, s *settings, args []string) (T, error) {
	var nothing T
	var secret signingkey.Secret
	if d.secret {
		var err error
		if secret, err = s.serverSecret(); err != nil {
			return nothing, err
		}
	}
	s.tells = d.tells
	store, err := s.openExisting(c.Context())
	if err != nil {
		return nothing, err
	}
	defer store.Close()
	service := admin.New(admin.Config{Store: store, Secret: secret, Resolver: net.DefaultResolver, Now: time.Now})
	return d.run(&env{Service: service, ctx: c.Context(), by: commandLine(), in: c.InOrStdin(), err: c.ErrOrStderr()}, args)
}

// commandLine returns the actor of commands: the user that can open the database.
func commandLine() admin.Actor {
	by := admin.Actor{ID: audit.CommandLine}
	if who, err := user.Current(); err == nil {
		by.Name = who.Username
	}
	return by
}

// group returns a command with subcommands.
func group(use, short, long string, commands ...*cobra.Command) *cobra.Command {
	command := &cobra.Command{Use: use, Short: short, Long: long, GroupID: groupAdministration}
	command.AddCommand(commands...)
	return command
}

// pageFlags adds the flags of lists.
func pageFlags(p *admin.Page) func(*cobra.Command) {
	return func(c *cobra.Command) {
		c.Flags().IntVar(&p.Limit, "limit", 50, fmt.Sprintf("list at most `N`, up to %d", admin.MaxLimit))
		c.Flags().StringVar(&p.After, "after", "", "start after `CURSOR`, which the previous page printed")
	}
}

// allFlags combines several functions that add flags.
func allFlags(all ...func(*cobra.Command)) func(*cobra.Command) {
	return func(c *cobra.Command) {
		for _, flags := range all {
			flags(c)
		}
	}
}

// organizationFlag adds the flag that names an organization.
func organizationFlag(name *string, required bool) func(*cobra.Command) {
	return func(c *cobra.Command) {
		c.Flags().StringVar(name, "organization", "", "`SLUG` or id of the organization")
		c.RegisterFlagCompletionFunc("organization", cobra.NoFileCompletions)
		if required {
			c.MarkFlagRequired("organization")
		}
	}
}

// doneText returns the text of a result without fields.
func doneText(text string) func(admin.Empty) string {
	return func(admin.Empty) string { return text + "\n" }
}

// readInput reads the file of an argument; - is standard input.
func readInput(path string, in io.Reader) ([]byte, error) {
	if path == "-" {
		return io.ReadAll(in)
	}
	return os.ReadFile(path)
}

func yesNo(truth bool) string {
	if truth {
		return "yes"
	}
	return "no"
}

// formatTime formats a time to the minute.
func formatTime(at int64) string {
	if at == 0 {
		return "-"
	}
	return time.Unix(at, 0).UTC().Format("2006-01-02 15:04Z")
}

func joinOrDash(texts []string) string { return printable(strings.Join(texts, ", ")) }
