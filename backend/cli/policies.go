package cli

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/strictjson"
)

func policiesCommand() *cobra.Command {
	return group("policies", "Show and change the policies of workspace and organizations",
		`Without --organization this is the workspace's policy. Of each rule the stricter value
counts. A workspace file that is applied replaces the workspace's policy and those of
the organizations that it names.`,
		getPolicy(), putPolicy())
}

func getPolicy() *cobra.Command {
	var organization string
	return adminCommand[policy.Rules]{
		use: "get", short: "Show a policy, as set reads it", flags: organizationFlag(&organization, false),
		run: func(e *env, _ []string) (policy.Rules, error) {
			if organization == "" {
				return e.WorkspacePolicy(e.ctx, e.by)
			}
			return e.OrganizationPolicy(e.ctx, e.by, organization)
		},
		text: showPolicy,
	}.build()
}

func putPolicy() *cobra.Command {
	var organization string
	command := adminCommand[policy.Rules]{
		use: "set FILE", args: 1, short: "Replace a policy",
		long: `Set replaces a policy by a JSON file; - is standard input. Times are in seconds; a rule
that the file does not have is removed.`,
		example: `  echo '{"idle_timeout": 900}' | tabard policies set --organization acme -`,
		flags:   organizationFlag(&organization, false),
		run: func(e *env, args []string) (policy.Rules, error) {
			var rules policy.Rules
			text, err := readInput(args[0], e.in)
			if err != nil {
				return rules, err
			}
			if err := strictjson.Decode(text, &rules, 2); err != nil {
				return rules, fmt.Errorf("%s: %w", args[0], err)
			}
			if organization == "" {
				return e.PutWorkspacePolicy(e.ctx, e.by, rules)
			}
			return e.PutOrganizationPolicy(e.ctx, e.by, organization, rules)
		},
		text: showPolicy,
	}.build()
	command.ValidArgsFunction = nil
	return command
}

func showPolicy(r policy.Rules) string {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil { // rules always encode
		fmt.Fprintln(os.Stderr, err)
	}
	return string(text) + "\n"
}
