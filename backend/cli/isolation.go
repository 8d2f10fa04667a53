package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/isolationtest"
	"github.com/tabard-auth/tabard/backend/jws"
	"github.com/tabard-auth/tabard/backend/refusal"
)

// isolation holds the flags of the command.
type isolation struct {
	url, openAPI string
	tokens       [2]string // files
	expired      [2]string // files
	audiences    [2]string // files
	quota        int
	settle       time.Duration
	only         []string
	partial      bool
	asJSON       bool
	schema       bool
}

const isolationHelp = `Isolation calls every route of an API with the tokens of two organizations: with the
other organization's paths, headers, queries, cookies, bodies and records, spelled and
asked for in every way that has been seen to get past a check, with both
organizations' requests at once, and with invalid tokens. It looks for the other
organization's texts and ids in whole answers, however they are encoded, and compares
answers about its records with answers about records that do not exist. It creates,
changes and deletes records of both, so use two organizations made for the test.

It exits with 0 if it finds nothing, with 1 if it finds something, with 2 if it could
not test the API, and with 5 if it finds nothing but the document has operations that the
plan leaves out, such as those whose record no operation makes; a plan written by hand can
have them. --partial makes that 0. --json writes a report by the schema of --schema.

It takes minutes: some thousand requests a route, of which it writes an estimate at the
start. --only tests some of the routes; the others still make records and show what
changed.

The plan is made of an OpenAPI 3.0 or 3.1 document, or written by hand in PLAN, one
route a line. A line that begins with "record" also creates a record: members of its
response are the values of wildcards, several of them separated by blanks, and {canary}
is a text that only this record contains. An id is sent as a string where its wildcard is
in quotes, and as a number where it is not. A line that begins with "read" only reads,
whatever its method.

The tokens are read from files, or from TABARD_TOKEN_A, TABARD_TOKEN_B,
TABARD_EXPIRED_A, TABARD_EXPIRED_B, TABARD_OTHER_AUDIENCE_A and
TABARD_OTHER_AUDIENCE_B, never from the command line, which other users can read. They
must stay valid until the end; a file with a token of A or B is read again for as long as
the test runs, so that another program can replace a token before it expires.`

func isolationCommand() *cobra.Command {
	var i isolation
	command := &cobra.Command{
		Use:     "isolation [PLAN]",
		Short:   "Test an API for leaks between organizations",
		GroupID: groupAPI,
		Long:    isolationHelp,
		Example: `  tabard isolation --openapi openapi.yaml --url https://api.example.com \
    --token-a-file a.jwt --token-b-file b.jwt

  tabard isolation plan.txt --url https://api.example.com \
    --token-a-file a.jwt --token-b-file b.jwt

  where plan.txt is
    GET /notes/{organization}
    record note=id POST /notes/{organization} {"text": "{canary}"}
    record file=id name=name POST /files {"note_id": {note}, "name": "{canary}"}
    GET /files/by-name/{name}
    DELETE /notes/{organization}/{note}`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error { return i.run(c, strings.Join(args, "")) },
	}
	flags := command.Flags()
	flags.StringVar(&i.url, "url", "", "`URL` where the API answers")
	flags.StringVar(&i.openAPI, "openapi", "", "OpenAPI `FILE` to make the plan of, or with further routes for PLAN")
	for n, name := range []string{"a", "b"} {
		of := " organization " + strings.ToUpper(name)
		flags.StringVar(&i.tokens[n], "token-"+name+"-file", "", "`FILE` with a good token of"+of)
		flags.StringVar(&i.expired[n], "expired-"+name+"-file", "", "`FILE` with an expired token of"+of)
		flags.StringVar(&i.audiences[n], "other-audience-"+name+"-file", "", "`FILE` with a token for another API of"+of)
	}
	flags.IntVar(&i.quota, "quota", 0, "how many records the API lets an organization have; the test creates them all")
	flags.DurationVar(&i.settle, "settle", 2*time.Second, "how long what the API does later may take")
	flags.StringArrayVar(&i.only, "only", nil, "test only the routes that contain `TEXT`, such as \"PATCH /tasks\"; may be repeated")
	flags.BoolVar(&i.partial, "partial", false, "exit with 0 although operations of the document are left out")
	flags.BoolVar(&i.asJSON, "json", false, "write the report as JSON")
	flags.BoolVar(&i.schema, "schema", false, "write the JSON Schema of the report, and test nothing")
	return command
}

func (i *isolation) run(c *cobra.Command, plan string) error {
	if i.schema {
		_, err := c.OutOrStdout().Write(isolationtest.ReportSchema)
		return err
	}
	config, omitted, err := i.config(plan)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.ErrOrStderr(), "about %s to %s\n", plural(config.Requests(), "request"), plural(len(config.Routes), "route"))
	report, broken := isolationtest.Check(c.Context(), config)
	report.Omitted = append(report.Omitted, omitted...)
	left := countLeft(omitted)
	if i.asJSON {
		err = writeJSON(c.OutOrStdout(), report)
	} else {
		err = i.write(c.OutOrStdout(), report, left)
	}
	if n := len(report.Findings); n > 0 {
		return errors.Join(broken, err, problemsError(plural(n, "finding")))
	}
	if broken != nil {
		broken = refusal.New(api.InvalidRequest, "the API could not be tested: "+broken.Error()).WithCause(broken)
	}
	if broken == nil && err == nil && left > 0 && !i.partial {
		return partialError(plural(left, "operation") + " of the document not tested; see above, and --partial")
	}
	return errors.Join(broken, err)
}

// countLeft returns how many operations a plan leaves out, besides those that are public.
func countLeft(omitted []string) int {
	return len(slices.DeleteFunc(slices.Clone(omitted), func(what string) bool { return strings.HasSuffix(what, isolationtest.Public) }))
}

func (i *isolation) write(w io.Writer, report isolationtest.Report, left int) error {
	for _, f := range report.Findings {
		fmt.Fprintln(w, f)
	}
	for _, omitted := range report.Omitted {
		fmt.Fprintln(w, "not tested:", omitted)
	}
	text := fmt.Sprintf("%s, %s", plural(report.Attempts, "attempt"), plural(len(report.Findings), "finding"))
	if left > 0 {
		text += fmt.Sprintf(", %s of the document NOT TESTED", plural(left, "operation"))
	}
	_, err := fmt.Fprintln(w, text)
	return err
}

// config returns what to test, and what the plan omits.
func (i *isolation) config(plan string) (config isolationtest.Config, omitted []string, err error) {
	config = isolationtest.Config{URL: strings.TrimSuffix(i.url, "/"), Quota: i.quota, Settle: i.settle}
	switch {
	case i.url == "":
		return config, nil, refusal.New(api.InvalidRequest, "the API's address is missing; set --url")
	case plan != "":
		err = i.written(&config, plan)
	case i.openAPI != "":
		omitted, err = i.planned(&config)
	default:
		return config, nil, refusal.New(api.InvalidRequest, "a plan is missing; name its file, or set --openapi")
	}
	if len(i.only) > 0 {
		config.Only = func(r isolationtest.Route) bool {
			return slices.ContainsFunc(i.only, func(text string) bool { return strings.Contains(r.Method+" "+r.Path, text) })
		}
	}
	for n, name := range []string{"A", "B"} {
		if err == nil {
			config.Tenants[n], err = i.tenant(n, name)
		}
	}
	return config, omitted, err
}

// written reads a plan, and further routes of an OpenAPI document.
func (i *isolation) written(config *isolationtest.Config, plan string) error {
	text, err := os.ReadFile(plan)
	if err != nil {
		return err
	}
	if config.Routes, config.Records, err = isolationtest.Plan(string(text)); err != nil || i.openAPI == "" {
		return err
	}
	document, err := os.ReadFile(i.openAPI)
	if err != nil {
		return err
	}
	further, err := isolationtest.OpenAPI(document)
	config.Routes = append(config.Routes, further...)
	return err
}

// planned makes a plan of an OpenAPI document. The address may contain the path of the
// document's server.
func (i *isolation) planned(config *isolationtest.Config) (omitted []string, err error) {
	document, err := os.ReadFile(i.openAPI)
	if err != nil {
		return nil, err
	}
	planned, err := isolationtest.PlanOpenAPI(document)
	if err != nil {
		return nil, err
	}
	config.Routes, config.Records, config.Names = planned.Routes, planned.Records, planned.Names
	if planned.Base != "" {
		config.URL = strings.TrimSuffix(config.URL, planned.Base)
	}
	return planned.Omitted, nil
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
	audience, err := secretText(i.audiences[n], environmentPrefix+"OTHER_AUDIENCE_"+name)
	if err != nil {
		return isolationtest.Tenant{}, err
	}
	message, err := jws.Parse(raw, 64<<10)
	if err != nil || message.Claims.Text("org_id") == "" {
		return isolationtest.Tenant{}, fmt.Errorf("the token of organization %s is not an access token with an org_id", name)
	}
	return isolationtest.Tenant{
		Organization: message.Claims.Text("org_id"), Slug: message.Claims.Text("org_slug"),
		Token: raw, Renew: renewal(i.tokens[n], raw), Expired: expired, OtherAudience: audience,
	}, nil
}

// renewal returns a function that reads a token's file again, once a second at most. A file
// that is being written leaves the token as it is.
func renewal(file, token string) func() string {
	if file == "" {
		return nil
	}
	var mu sync.Mutex
	read := time.Now()
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(read) < time.Second {
			return token
		}
		read = time.Now()
		if text, err := os.ReadFile(file); err == nil {
			if _, err := jws.Parse(strings.TrimSpace(string(text)), 64<<10); err == nil {
				token = strings.TrimSpace(string(text))
			}
		}
		return token
	}
}

// secretText returns the content of a file, or of a variable if no file is set.
func secretText(file, variable string) (string, error) {
	if file == "" {
		return strings.TrimSpace(os.Getenv(variable)), nil
	}
	text, err := os.ReadFile(file)
	return strings.TrimSpace(string(text)), err
}
