package isolationtest

import (
	_ "embed"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// ReportSchema is the JSON Schema (draft 2020-12) of a Report.
//
//go:embed report.schema.json
var ReportSchema []byte

// Report is the result of Check.
type Report struct {
	Attempts int       `json:"attempts"` // requests sent as attempts
	Findings []Finding `json:"findings"` // the gravest first
	Omitted  []string  `json:"omitted"`  // attempts skipped, for lack of a token or a slug, and why
}

// Problem is the kind of a finding.
type Problem string

// The problems.
const (
	// Leaked: the answer contains another organization's record, or depends on its
	// records.
	Leaked Problem = "leaked"
	// Changed: afterward the other organization's records are changed, or it can make
	// none, or it has fewer requests left.
	Changed Problem = "changed"
	// Accepted: the service accepted a request that names another organization than its
	// token's in the path, or that has no valid token.
	Accepted Problem = "accepted"
	// Distinguished: answers differ between another organization's record and one that
	// does not exist, so that they tell which exist.
	Distinguished Problem = "distinguished"
	// Failed: the service failed instead of refusing.
	Failed Problem = "failed"
	// Unproven: the organization's own request is refused, so that the refusal of other
	// requests proves nothing.
	Unproven Problem = "unproven"
)

var gravity = []Problem{Leaked, Changed, Accepted, Distinguished, Failed, Unproven}

// reasons say why each problem is one.
var reasons = map[Problem]string{
	Leaked:        "only the other organization may see this",
	Changed:       "only the other organization may change its records",
	Accepted:      "the token does not stand for what was served",
	Distinguished: "the answer tells that the other organization has such a record",
	Failed:        "a failure is no refusal: what was done before it is unknown",
	Unproven:      "the organization's own request is refused, so no refusal of this route proves anything",
}

// Finding is a request that should have been refused, or answered without data.
type Finding struct {
	Problem Problem `json:"problem"`
	Route   Route   `json:"route"`
	// Attempt describes the attempt: "the path's organization", "the header
	// X-Tenant-Id".
	Attempt string `json:"attempt"`
	// By is the organization that sent the request, Of the one with the record.
	By     string `json:"by"`
	Of     string `json:"of"`
	Status int    `json:"status"`
	// Evidence is a part of the answer, or what changed.
	Evidence string `json:"evidence"`
	// Request is the request as a curl command. Tokens are named by variables of the
	// shell: $TOKEN_A, $TOKEN_B, $BAD_TOKEN.
	Request string `json:"request,omitempty"`
	// Seen is what was recognized, and where.
	Seen string `json:"seen,omitempty"`
	// Why is why this is a problem.
	Why string `json:"why,omitempty"`
	// Repeated counts further requests that showed the same.
	Repeated int `json:"repeated,omitempty"`
}

func (f Finding) String() string {
	text := fmt.Sprintf("%s: %s %s: by %s, of %s, %s: status %d: %s", f.Problem, f.Route.Method, f.Route.Path, f.By, f.Of, f.Attempt, f.Status, f.Evidence)
	for _, line := range []string{f.Seen, f.Why, f.Request} {
		if line != "" {
			text += "\n    " + line
		}
	}
	if f.Repeated > 0 {
		text += fmt.Sprintf("\n    (and %d more times)", f.Repeated)
	}
	return text
}

// maxOfRoute is how many attempts at one route are reported for one problem; the rest
// are counted.
const maxOfRoute = 12

// add adds findings. One that was there already is counted.
func (k *check) add(all ...Finding) {
	for _, f := range all {
		if k.repeated(f) {
			continue
		}
		if f.Why == "" {
			f.Why = reasons[f.Problem]
		}
		if k.report.Findings = append(k.report.Findings, f); k.Found != nil {
			k.Found(f)
		}
	}
}

// repeated reports whether a finding is in the report already, and counts it there.
func (k *check) repeated(f Finding) bool {
	of, known, all := 0, -1, k.report.Findings
	for i, g := range all {
		if g.Problem != f.Problem || g.Route != f.Route || g.By != f.By || g.Of != f.Of {
			continue
		}
		if of++; known < 0 && (of > maxOfRoute || g.Attempt == f.Attempt || strings.HasSuffix(f.Attempt, redirected) || after(g.Attempt) && after(f.Attempt)) {
			known = i
		}
	}
	if known >= 0 {
		all[known].Repeated++
	}
	return known >= 0
}

// redirected ends the description of an attempt at an address that a redirect leads to.
const redirected = ", redirected"

// after reports whether an attempt is a look at a tenant's own records.
func after(attempt string) bool { return strings.HasPrefix(attempt, ownView) }

// sort orders findings by gravity.
func (r *Report) sort() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		return slices.Index(gravity, a.Problem) - slices.Index(gravity, b.Problem)
	})
}

// inDoubleQuotes escapes the special characters that a shell sees in double quotes.
var inDoubleQuotes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "$", `\$`, "`", "\\`")

// curl returns a request as a command for the shell, without its token.
func curl(r *http.Request, body, token, variable string) string {
	quoted := func(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }
	hidden := func(text string) string {
		if token == "" || !strings.Contains(text, token) {
			return quoted(text)
		}
		text = inDoubleQuotes.Replace(strings.ReplaceAll(text, token, "\x00"))
		return `"` + strings.ReplaceAll(text, "\x00", variable) + `"`
	}
	out := "curl -i --path-as-is -X " + r.Method
	for _, name := range sortedNames(r.Header) {
		for _, value := range r.Header[name] {
			out += " -H " + hidden(name+": "+value)
		}
	}
	if r.Host != "" && r.Host != r.URL.Host && r.Host != ownHost {
		out += " -H " + quoted("Host: "+r.Host)
	}
	if body != "" {
		out += " --data-raw " + quoted(body)
	}
	return out + " " + hidden(r.URL.String())
}
