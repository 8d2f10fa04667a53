package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/isolationtest"
	"github.com/tabard-auth/tabard/backend/jws"
)

// isolation holds the flags of the command.
type isolation struct {
	url, openAPI string
	tokens       [2]string // files
	expired      [2]string // files
	quota        int
	asJSON       bool
}

func isolationCommand() *cobra.Command {
	var i isolation
	command := &cobra.Command{
		Use:     "isolation PLAN",
		Short:   "Test an API for leaks between organizations",
		GroupID: groupAPI,
		Long: `Isolation calls every route of an API with the tokens of two organizations: with the
other organization's paths, headers, queries, cookies and bodies, and with invalid
tokens. It creates, changes and deletes records of both, so use two organizations made
for the test. It exits with 1 if it finds a leak.

PLAN has one route a line. A line that begins with "record" also creates a record: the
members of its response are the values of wildcards, and {canary} is a text that only
this record contains.

The tokens are read from files, or from TABARD_TOKEN_A, TABARD_TOKEN_B,
TABARD_EXPIRED_A and TABARD_EXPIRED_B, never from the command line, which other users
can read. They must stay valid until the end.`,
		Example: `  tabard isolation plan.txt --url https://api.example.com \
    --token-a-file a.jwt --token-b-file b.jwt

  where plan.txt is
    GET /notes/{organization}
    record note=id POST /notes/{organization} {"text": "{canary}"}
    DELETE /notes/{organization}/{note}`,
		Args: cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return i.run(c, args[0]) },
	}
	flags := command.Flags()
	flags.StringVar(&i.url, "url", "", "`URL` where the API answers")
	flags.StringVar(&i.openAPI, "openapi", "", "OpenAPI `FILE` with further routes")
	for n, name := range []string{"a", "b"} {
		flags.StringVar(&i.tokens[n], "token-"+name+"-file", "", "`FILE` with a good token of organization "+strings.ToUpper(name))
		flags.StringVar(&i.expired[n], "expired-"+name+"-file", "", "`FILE` with an expired token of organization "+strings.ToUpper(name))
	}
	flags.IntVar(&i.quota, "quota", 0, "how many records the API lets an organization have; the test creates them all")
	flags.BoolVar(&i.asJSON, "json", false, "write the findings as JSON")
	command.MarkFlagRequired("url")
	return command
}

func (i *isolation) run(c *cobra.Command, plan string) error {
	config, err := i.config(plan)
	if err != nil {
		return err
	}
	report, broken := isolationtest.Check(c.Context(), config)
	if i.asJSON {
		err = writeJSON(c.OutOrStdout(), report)
	} else {
		err = i.write(c.OutOrStdout(), report)
	}
	if n := len(report.Findings); n > 0 {
		return errors.Join(broken, err, problemsError(plural(n, "finding")))
	}
	return errors.Join(broken, err)
}

func (i *isolation) write(w io.Writer, report isolationtest.Report) error {
	for _, f := range report.Findings {
		fmt.Fprintln(w, f)
	}
	for _, omitted := range report.Omitted {
		fmt.Fprintln(w, "not tested:", omitted)
	}
	_, err := fmt.Fprintf(w, "%s, %s\n", plural(report.Attempts, "attempt"), plural(len(report.Findings), "finding"))
	return err
}

func (i *isolation) config(plan string) (isolationtest.Config, error) {
	config := isolationtest.Config{URL: strings.TrimSuffix(i.url, "/"), Quota: i.quota}
	text, err := os.ReadFile(plan)
	if err != nil {
		return config, err
	}
	if config.Routes, config.Records, err = isolationtest.Plan(string(text)); err != nil {
		return config, err
	}
	if i.openAPI != "" {
		document, err := os.ReadFile(i.openAPI)
		if err != nil {
			return config, err
		}
		further, err := isolationtest.OpenAPI(document)
		if err != nil {
			return config, err
		}
		config.Routes = append(config.Routes, further...)
	}
	for n, name := range []string{"A", "B"} {
		if config.Tenants[n], err = i.tenant(n, name); err != nil {
			return config, err
		}
	}
	return config, nil
}

// tenant returns the organization that a token names.
func (i *isolation) tenant(n int, name string) (isolationtest.Tenant, error) {
	raw, err := secretText(i.tokens[n], environmentPrefix+"TOKEN_"+name)
	if err != nil {
		return isolationtest.Tenant{}, err
	}
	if raw == "" {
		return isolationtest.Tenant{}, fmt.Errorf("the token of organization %[1]s is missing; set --token-%[2]s-file or TABARD_TOKEN_%[1]s", name, strings.ToLower(name))
	}
	expired, err := secretText(i.expired[n], environmentPrefix+"EXPIRED_"+name)
	if err != nil {
		return isolationtest.Tenant{}, err
	}
	message, err := jws.Parse(raw, 64<<10)
	if err != nil || message.Claims.Text("org_id") == "" {
		return isolationtest.Tenant{}, fmt.Errorf("the token of organization %s is not an access token with an org_id", name)
	}
	return isolationtest.Tenant{Organization: message.Claims.Text("org_id"), Slug: message.Claims.Text("org_slug"), Token: raw, Expired: expired}, nil
}

// secretText returns the content of a file, or of a variable if no file is set.
func secretText(file, variable string) (string, error) {
	if file == "" {
		return strings.TrimSpace(os.Getenv(variable)), nil
	}
	text, err := os.ReadFile(file)
	return strings.TrimSpace(string(text)), err
}
