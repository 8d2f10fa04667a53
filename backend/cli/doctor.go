package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/doctor"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/signingkey"
)

func doctorCommand() *cobra.Command {
	var s settings
	var echo string
	var asJSON bool
	var slow time.Duration
	command := &cobra.Command{
		Use:     "doctor",
		Short:   "Check whether a server with these settings works",
		GroupID: groupServer,
		Long: `Doctor takes the settings of serve and checks the OpenID provider, the connections of
organizations and their domains, the database, the signing keys, the public address,
the apps' origins, the reach of the cookies, what the proxy passes on and how long it
waits, the client's files, the servers behind the proxy and their clocks. It changes
nothing, and can run before the first start and beside a running server. It prints how
to fix each problem, and exits with 1 if there is one.

To learn whether a provider knows the client, it redeems an authorization code that
cannot exist; the provider may log that.`,
		Example: `  tabard doctor                            # settings from the environment
  tabard doctor --echo-url https://app.example.com/debug/headers
  tabard doctor --json | jq '.[] | select(.level == "problem")'`,
		Args:              cobra.NoArgs,
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(c *cobra.Command, _ []string) error {
			findings := examine(c, &s, echo, slow)
			var err error
			if asJSON {
				err = writeJSON(c.OutOrStdout(), findings)
			} else {
				_, err = io.WriteString(c.OutOrStdout(), findingTable(findings))
			}
			if err != nil {
				return err
			}
			if n := count(findings, doctor.Problem); n > 0 {
				return problemsError(plural(n, "problem") + " found")
			}
			return nil
		},
	}
	s.addServer(command)
	command.Flags().StringVar(&echo, "echo-url", "", "`URL` of the app, outside the backend's path, that returns the headers that it received")
	command.Flags().DurationVar(&slow, "slow", 12*time.Second, "check that the proxy waits `TIME` for an answer, 25s at most; 0: do not check")
	command.Flags().BoolVar(&asJSON, "json", false, "write the findings as JSON")
	return command
}

// examine checks the settings, and then the deployment as far as the settings are
// valid.
func examine(c *cobra.Command, s *settings, echo string, slow time.Duration) []doctor.Finding {
	wrong := s.check()
	var findings []doctor.Finding
	for _, w := range wrong {
		findings = append(findings, doctor.Finding{
			Subject: "settings", Level: doctor.Problem, Text: w.what, Advice: strings.ReplaceAll(w.hint, "\n", " "),
		})
	}
	for _, w := range s.warnings() {
		findings = append(findings, doctor.Finding{Subject: "settings", Level: doctor.Warning, Text: w})
	}
	if findings == nil {
		findings = append(findings, doctor.Finding{Subject: "settings", Level: doctor.OK, Text: "all settings are present and well formed"})
	}
	provider, _ := s.currentProvider() // checked
	config := doctor.Config{
		Provider: provider, Algorithm: signingkey.Algorithm(s.signingAlgorithm), EchoURL: echo, Slow: slow,
		Transport: http.DefaultTransport, Resolver: net.DefaultResolver, TXT: net.DefaultResolver, Tenants: login.NewTransport(s.loopbackConnections), Now: time.Now().Unix(), CookieMark: s.cookieMark,
	}
	if wrong.has("oidc-issuer") {
		config.Provider.Issuer = ""
	}
	if wrong.has("signing-algorithm") {
		config.Algorithm = signingkey.ES256
	}
	if life, err := signingkey.ParseLife(s.signingKeyLife); err == nil {
		config.KeyLife = life
	}
	if !wrong.has("public-url") {
		config.PublicURL = s.publicURL
	}
	if !wrong.has("database") {
		config.Database = s.inspect
	}
	if secret, err := readSecret(s.secretPath()); err == nil && !wrong.has("secret-file") {
		config.Secret = &secret
	}
	return append(findings, doctor.Examine(c.Context(), config)...)
}

func count(findings []doctor.Finding, level doctor.Level) (n int) {
	for _, f := range findings {
		if f.Level == level {
			n++
		}
	}
	return n
}

func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(value)
}

// Columns of the findings' table.
const (
	subjectWidth = 16
	levelWidth   = 9
	lineWidth    = 80
)

// findingTable formats findings grouped by subject.
func findingTable(all []doctor.Finding) string {
	var subjects []string
	for _, f := range all {
		if !slices.Contains(subjects, f.Subject) {
			subjects = append(subjects, f.Subject)
		}
	}
	var text strings.Builder
	for _, subject := range subjects {
		shown := subject
		for _, f := range all {
			if f.Subject == subject {
				writeFinding(&text, shown, f)
				shown = ""
			}
		}
	}
	if count(all, doctor.Problem) == 0 {
		text.WriteString("\nNo problem found.\n")
	}
	return text.String()
}

func writeFinding(text *strings.Builder, subject string, f doctor.Finding) {
	lines := wrap(f.Text, lineWidth-subjectWidth-levelWidth)
	if f.Advice != "" {
		lines = append(lines, wrap("→ "+f.Advice, lineWidth-subjectWidth-levelWidth)...)
	}
	level := string(f.Level)
	for _, line := range lines {
		fmt.Fprintf(text, "%-*s%-*s%s\n", subjectWidth, subject, levelWidth, level, line)
		subject, level = "", ""
	}
}

// wrap breaks a text between words into lines of at most width characters. A longer
// word gets a line of its own.
func wrap(text string, width int) []string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len([]rune(line))+1+len([]rune(word)) > width {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return append(lines, line)
}

func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
