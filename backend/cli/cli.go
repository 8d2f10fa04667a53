// Package cli is the command line of tabard: one file a command, with nothing but flags,
// calls and tables.
package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

// Run runs the command that the program's arguments name and returns the exit status.
func Run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := newCommand().ExecuteContext(ctx)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = runError{errors.New("interrupted")}
	}
	if err != nil {
		report(os.Stderr, err, asksForJSON(os.Args[1:]))
		return exitStatus(err)
	}
	return 0
}

// The groups in which help shows the commands.
const (
	groupServer         = "server"
	groupWorkspace      = "workspace"
	groupAdministration = "administration"
	groupAPI            = "api"
	groupOther          = "other"
)

func newCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "tabard",
		Short: "One sign-in, one organization per tab, no way to mix them",
		Long: `Tabard mints short-lived access tokens, each for one organization, from the one
sign-in that all tabs of a browser share.`,
		Example: `  tabard apply workspace.yaml       # define apps and organizations
  tabard serve --help               # list the settings of a server
  tabard doctor                     # check them`,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddGroup(
		&cobra.Group{ID: groupServer, Title: "The server:"},
		&cobra.Group{ID: groupWorkspace, Title: "The workspace:"},
		&cobra.Group{ID: groupAdministration, Title: "Administration:"},
		&cobra.Group{ID: groupAPI, Title: "Your API:"},
		&cobra.Group{ID: groupOther, Title: "This program:"},
	)
	root.SetHelpCommandGroupID(groupOther)
	root.SetCompletionCommandGroupID(groupOther)
	root.SetUsageTemplate(strings.NewReplacer(
		".FlagUsages", ".FlagUsagesWrapped 80",
		"{{if .Runnable}}", "{{if and .Runnable (not .HasAvailableSubCommands)}}",
		`Use "{{.CommandPath}} [command] --help" for more information about a command.`, "See: {{.CommandPath}} COMMAND --help",
	).Replace(root.UsageTemplate()))
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(explainFlag)
	root.AddCommand(serveCommand(), migrateCommand(), doctorCommand(), applyCommand(), isolationCommand(), signingKeysCommand(), secretCommand(),
		backupCommand(), restoreCommand(), moveCommand(),
		versionCommand(),
		organizationsCommand(), membersCommand(), staffCommand(), usersCommand(), policiesCommand(), connectionsCommand(), domainsCommand(),
		sessionsCommand(), auditCommand(), keysCommand())
	wrapDescriptions(root)
	refuseUnknown(root)
	markFailures(root)
	return root
}

// refuseUnknown makes command groups refuse unknown subcommands, for which cobra would
// print help and exit with 0.
func refuseUnknown(c *cobra.Command) {
	for _, group := range c.Commands() {
		if group.HasSubCommands() {
			group.Args = checkSubcommand
			if group.RunE == nil { // a group that is a command itself keeps its function
				group.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
			}
		}
		refuseUnknown(group)
	}
}

// checkSubcommand refuses unknown subcommands of a group.
func checkSubcommand(group *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	var known []string
	for _, c := range group.Commands() {
		known = append(known, c.Name())
	}
	text := fmt.Sprintf("unknown command %q for %q", args[0], group.CommandPath())
	if near, ok := nearest(args[0], known); ok {
		text += "; did you mean " + near + "?"
	}
	return fmt.Errorf("%s\nSee: %s --help", text, group.CommandPath())
}

// wrapDescriptions wraps the descriptions of all commands to the width of a terminal.
func wrapDescriptions(c *cobra.Command) {
	var paragraphs []string
	for text := range strings.SplitSeq(c.Long, "\n\n") {
		paragraphs = append(paragraphs, strings.Join(wrap(text, lineWidth), "\n"))
	}
	c.Long = strings.Join(paragraphs, "\n\n")
	for _, further := range c.Commands() {
		wrapDescriptions(further)
	}
}
