package directory

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/policy"
)

// Fault is a mistake in a workspace's document.
type Fault struct {
	// At leads to the mistake by the names and indexes of the document, such as apps, 0,
	// origins, 1.
	At   []string
	Text string
}

// Check returns the mistakes of a workspace's document. Only a document without any may be
// stored.
func (w *Workspace) Check() []Fault {
	c := checker{workspace: w, audiences: map[string]string{}, origins: map[string]string{}, attributes: map[string]AttributeType{}}
	c.settings()
	if len(w.Apps) == 0 {
		c.fault(nil, "the workspace needs an app: apps: [{id, name, origins, audience}]")
	}
	for i, a := range w.Apps {
		c.app(place{"apps", strconv.Itoa(i)}, i, a)
	}
	c.roles()
	c.membershipClaim()
	return c.faults
}

// checker collects the mistakes of a document.
type checker struct {
	workspace  *Workspace
	faults     []Fault
	audiences  map[string]string        // audience → app
	origins    map[string]string        // origin → app
	attributes map[string]AttributeType // by source and name
}

// place is the place of a value in the document.
type place []string

func (p place) at(names ...string) place { return append(slices.Clip(p), names...) }

func (c *checker) fault(at place, format string, args ...any) {
	if len(c.faults) < MaxProblems {
		c.faults = append(c.faults, Fault{at, fmt.Sprintf(format, args...)})
	}
}

// check notes an error for people.
func (c *checker) check(at place, err error) {
	if err != nil {
		c.fault(at, "%s", strings.TrimPrefix(err.Error(), "directory: "))
	}
}

// MaxText is the maximum length of a text, in bytes.
const MaxText = 1000

// ValidText reports whether a text of a document is one line of at most 1,000 bytes.
func ValidText(text string) bool {
	return len(text) <= MaxText && !strings.ContainsFunc(text, unicode.IsControl)
}

func (c *checker) text(at place, text string) {
	if !ValidText(text) {
		c.fault(at, "this text is longer than %d bytes or has several lines", MaxText)
	}
}

var (
	appID      = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)
	permission = regexp.MustCompile(`^[!#-\[\]-~]{1,128}$`) // a scope token (RFC 6749 section 3.3)
)

// settings checks what stands at the top of the document.
func (c *checker) settings() {
	w := c.workspace
	if w.ID != "" && !appID.MatchString(w.ID) {
		c.fault(place{"id"}, "workspace id %q is invalid: use up to 32 of a–z, 0–9 and -", w.ID)
	}
	if w.OnReuse != "" && w.OnReuse != EndSession && w.OnReuse != EndUser {
		c.fault(place{"on_reuse"}, "on_reuse must be session or user: the sessions that end when a refresh token is used twice")
	}
	c.check(place{"policy"}, w.Policy.CheckWorkspace())
	c.check(place{"sign_in"}, w.SignIn.Check())
	for _, language := range slices.Sorted(maps.Keys(w.Pages)) {
		c.check(place{"pages", language}, page.Texts{language: w.Pages[language]}.Check())
	}
	if len(c.faults) == 0 {
		c.check(place{"pages"}, w.Pages.Check())
	}
}

func (c *checker) roles() {
	for _, role := range c.workspace.RoleNames() {
		at := place{"roles", role}
		c.text(at, role)
		for _, p := range c.workspace.Roles[role] {
			if !permission.MatchString(p) {
				c.fault(at, "permission %q of role %q must consist of printable characters without spaces", p, role)
			}
		}
		c.check(at, c.workspace.CheckTokens([]string{role}))
	}
}

func (c *checker) membershipClaim() {
	m, at := c.workspace.MembershipClaim, place{"membership_claim"}
	if m == nil {
		return
	}
	if m.Claim == "" {
		c.fault(at, "membership_claim needs the name of a claim")
	}
	c.text(at, m.Claim)
	c.check(at, m.ClaimSource.check())
	c.check(at, checkSeparator(m.ClaimSeparator))
	for _, role := range m.Roles {
		if _, known := c.workspace.Roles[role]; !known {
			c.fault(at.at("roles"), "role %q is not one of the workspace's roles", role)
		}
	}
	if len(m.Roles) > 1 {
		c.check(at.at("roles"), c.workspace.CheckTokens(m.Roles))
	}
}

// check returns an error for people if the source is none.
func (s ClaimSource) check() error {
	if !s.Valid() {
		return fmt.Errorf("claim_source is %q; it is id_token or userinfo", s)
	}
	return nil
}

// checkSeparator returns an error for people if a text does not part names.
func checkSeparator(text string) error {
	if !ValidSeparator(text) {
		return fmt.Errorf("claim_separator %q is not a comma, a semicolon, a vertical line or a space", text)
	}
	return nil
}

// Browsers is the range of SignIn.MaxSessions.
var Browsers = policy.Range{Least: 1, Most: MostSessions}

// Check returns an error for people if the settings contradict each other or are out of
// range.
func (s SignIn) Check() error {
	switch {
	case s.MaxSessions != 0 && !Browsers.Has(s.MaxSessions):
		return fmt.Errorf("max_sessions must be between %d and %d", Browsers.Least, Browsers.Most)
	case s.AtLimit != "" && s.AtLimit != EndOldest && s.AtLimit != RefuseSignIn:
		return errors.New("at_limit must be oldest or refuse: what happens when somebody signs in in one browser more")
	case s.AtLimit != "" && s.MaxSessions == 0:
		return errors.New("at_limit needs max_sessions")
	case s.StaySignedIn && !s.SessionCookie:
		return errors.New("stay_signed_in needs session_cookie: true; without it every session outlives the browser")
	}
	return s.Revalidation.Check()
}
