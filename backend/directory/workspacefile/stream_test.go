package workspacefile_test

import (
	"fmt"
	"reflect"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/directory/workspacefile"
)

// collected returns a Desired that was read in parts in the form that Parse returns.
func collected(d directory.Desired) directory.Desired {
	d.Organizations = slices.Clone(d.Organizations)
	for i := range d.Organizations {
		o := &d.Organizations[i]
		o.Members, o.Further = slices.Collect(o.AllMembers()), directory.MemberSource{}
	}
	return d
}

// Files that can be read in parts.
var inParts = map[string]string{
	"YAML, lists as wide as their key": with(`organizations:
- slug: acme   # the first
  name: "Acme: the - one"
  members:
  - {sub: alice, roles: [viewer]}
  # - {sub: nobody}
  - sub: bob
    name: >-
      Bob
      - not a member

  - sub: carol
  policy: {access_ttl: 5m}
-
  name: Globex
  slug: globex
  connections:
  - {id: con_globex, issuer: "https://login.globex.example", client_id: t, client_secret: {env: S}}

- {slug: initech, name: Initech, members: [{sub: alice}, {sub: bob}]}
`),
	"YAML, lists indented, and more after them": with(`organizations:   # all of them

    - members:
        - sub: alice
          roles:
          - viewer
        - sub: "bob"
      slug: acme
      name: Acme
    -   slug: globex
        name: Globex
        members: []
policy: {access_ttl: 5m}
`),
	"YAML with an anchor in an organization": with("organizations:\n- {slug: acme, name: &n Acme, members: [{sub: alice, name: *n}]}\n"),
	"YAML with other line ends":              strings.ReplaceAll(with("organizations:\n- slug: acme\n  name: Acme\n  members:\n  - sub: alice\n  - sub: bob\n"), "\n", "\r\n"),
	"JSON":                                   wholeJSON,
	"JSON in one line":                       strings.NewReplacer("\n", "", "\t", "").Replace(wholeJSON),
	"JSON with escapes": `{"apps":[{"id":"a","origins":["https://a.test"],"audience":"a"}],"issuer":"https://id.test",
		"organiz\u0061tions":[ {"slug":"a","name":"\"[{,\\","members":[{"sub":"a]"},{"sub":"b\\","roles":[]}] , "disabled":false} ]}`,
}

// TestRead_PartsEqualParse checks that both ways of reading give the same result.
func TestRead_PartsEqualParse(t *testing.T) {
	for name, text := range inParts {
		want, err := workspacefile.Parse([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, size := range []int{1, 60, 1 << 20} {
			got, ok := workspacefile.ReadParts([]byte(text), size)
			if !ok {
				t.Errorf("%s: not read in parts of %d", name, size)
				continue
			}
			if got.MemberCount() != want.MemberCount() || !reflect.DeepEqual(collected(got), want) || !reflect.DeepEqual(collected(got), want) {
				t.Errorf("%s, in parts of %d:\n%+v, not\n%+v", name, size, collected(got), want)
			}
		}
	}
}

// TestRead_UnusualStyles checks that files with mistakes or unusual styles are not read
// in parts.
func TestRead_UnusualStyles(t *testing.T) {
	for name, text := range map[string]string{
		"an anchor of another organization": with("organizations:\n- slug: acme\n  name: &n Acme\n- slug: globex\n  name: *n\n"),
		"a list in a text":                  with("membership_claim: {roles: [], claim: \"a\norganizations:\n- b\n\"}\n"),
		"an anchor of the organization's":   with("organizations:\n- slug: acme\n  name: &n Acme\n  members:\n  - {sub: alice, name: *n}\n"),
		"lists that end late":               with("organizations:\n- {slug: acme, name: Acme, members: [\n- sub\n]}\n"),
		"organizations twice":               with("organizations:\n- {slug: a, name: A}\npolicy: {}\norganizations:\n- {slug: b, name: B}\n"),
		"members twice":                     with("organizations:\n- slug: a\n  name: A\n  members:\n  - sub: alice\n  members:\n  - sub: bob\n"),
		"a member twice":                    with("organizations:\n- slug: a\n  name: A\n  members:\n  - sub: alice\n  - sub: alice\n"),
		"a second document":                 with("organizations:\n- {slug: a, name: A}\n---\n- {slug: b, name: B}\n"),
		"a role that there is not":          with("organizations:\n- slug: a\n  name: A\n  members:\n  - {sub: alice, roles: [none]}\n"),
		"another's connection":              with("organizations:\n- {slug: a, name: A, policy: {connection: con_b}}\n- {slug: b, name: B, connections: [{id: con_b, issuer: \"https://b.test\", client_id: b, client_secret: {env: B}}]}\n"),
		"a directive":                       "%YAML 1.1\n---\n" + with("organizations:\n- {slug: a, name: A}\n"),
		"JSON with a comment":               `{"apps":[{"id":"a","origins":["https://a.test"],"audience":"a"}],"organizations":[{"slug":"a","name":"A"}] # all` + "\n}",
	} {
		if got, ok := workspacefile.ReadParts([]byte(text), 1); ok {
			t.Errorf("%s: read as %+v", name, collected(got))
		}
	}
}

// FuzzReadInParts compares reading in parts with Parse.
func FuzzReadInParts(f *testing.F) {
	for _, text := range inParts {
		f.Add(text, 1)
	}
	f.Fuzz(func(t *testing.T, text string, size int) {
		got, ok := workspacefile.ReadParts([]byte(text), size)
		if !ok {
			return
		}
		want, err := workspacefile.Parse([]byte(text))
		if err != nil || !reflect.DeepEqual(collected(got), want) {
			t.Errorf("%q:\n%+v, not\n%+v, %v", text, collected(got), want, err)
		}
	})
}

// TestRead_Memory checks that reading a large file needs little more memory than its
// text.
func TestRead_Memory(t *testing.T) {
	for name, organizations := range map[string]int{"many organizations": 2000, "one": 1} {
		for _, style := range []string{"YAML", "JSON"} {
			text := large(style, organizations, 60_000/organizations)
			before := heap()
			var peak uint64
			d, err := workspacefile.Read(text)
			if err != nil {
				t.Fatal(err)
			}
			peak = max(peak, heap())
			n := 0
			for _, o := range d.Organizations {
				for range o.AllMembers() {
					n++
				}
			}
			if n != 60_000 || d.MemberCount() != n {
				t.Errorf("%s, %s: %d members, not %d", name, style, n, d.MemberCount())
			}
			if grown := int(peak) - int(before); grown > 2*len(text) {
				t.Errorf("%s, %s: %d bytes weigh %d", name, style, len(text), grown)
			}
			runtime.KeepAlive(d)
		}
	}
}

func heap() uint64 {
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func large(style string, organizations, members int) []byte {
	var text strings.Builder
	text.WriteString(strings.TrimSuffix(with("organizations:\n"), "\n"))
	if style == "JSON" {
		text.Reset()
		text.WriteString(`{"issuer":"https://id.test","roles":{"viewer":["read"]},"apps":[{"id":"a","origins":["https://a.test"],"audience":"a"}],"organizations":[`)
	}
	for o := range organizations {
		if style == "JSON" {
			fmt.Fprintf(&text, `%s{"slug":"org%d","name":"Organization","members":[`, []string{"", ","}[min(o, 1)], o)
		} else {
			fmt.Fprintf(&text, "\n- slug: org%d\n  name: Organization\n  members:", o)
		}
		for m := range members {
			if style == "JSON" {
				fmt.Fprintf(&text, `%s{"sub":"person%d","name":"Person","roles":["viewer"]}`, []string{"", ","}[min(m, 1)], m)
			} else {
				fmt.Fprintf(&text, "\n  - {sub: person%d, name: Person, roles: [viewer]}", m)
			}
		}
		if style == "JSON" {
			text.WriteString("]}")
		}
	}
	if style == "JSON" {
		text.WriteString("]}")
	}
	return []byte(text.String())
}
