package workspacefile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/policy"
)

// Problem is a mistake in a workspace file.
type Problem struct {
	Line int
	Text string
}

func (p Problem) String() string { return fmt.Sprintf("line %d: %s", p.Line, p.Text) }

// Problems are all the mistakes of a file, in order.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// reader reads nodes and collects their mistakes, so that one run reports all of them.
type reader struct {
	problems Problems
}

func (r *reader) addProblem(n *yaml.Node, format string, args ...any) {
	if len(r.problems) < directory.MaxProblems {
		r.problems = append(r.problems, Problem{n.Line, fmt.Sprintf(format, args...)})
	}
}

// object reads a mapping. Every member must be known and must not be repeated.
func (r *reader) object(n *yaml.Node, members map[string]func(*yaml.Node)) {
	r.members(n, func(name, value *yaml.Node) {
		read, known := members[name.Value]
		if !known {
			r.addProblem(name, "unknown field %q; known fields are %s", name.Value, strings.Join(sorted(members), ", "))
			return
		}
		read(value)
	})
}

// members calls each for every member of a mapping.
func (r *reader) members(n *yaml.Node, each func(name, value *yaml.Node)) {
	n = resolve(n)
	if n.Kind != yaml.MappingNode {
		r.addProblem(n, "expected a mapping (name: value)")
		return
	}
	seen := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		name := n.Content[i]
		if line, twice := seen[name.Value]; twice {
			r.addProblem(name, "%q is repeated, first on line %d", name.Value, line)
			continue
		}
		seen[name.Value] = name.Line
		each(name, n.Content[i+1])
	}
}

// list calls each for every element of a sequence.
func (r *reader) list(n *yaml.Node, each func(*yaml.Node)) {
	n = resolve(n)
	if n.Kind != yaml.SequenceNode {
		r.addProblem(n, "expected a list")
		return
	}
	for _, element := range n.Content {
		each(element)
	}
}

// assignText returns a function that reads a text into a variable.
func (r *reader) assignText(text *string) func(*yaml.Node) {
	return func(n *yaml.Node) { *text = r.text(n) }
}

func (r *reader) text(n *yaml.Node) string {
	n = resolve(n)
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		r.addProblem(n, "expected a text")
		return ""
	}
	if !directory.ValidText(n.Value) {
		r.addProblem(n, "this text is longer than %d bytes or has several lines", directory.MaxText)
		return ""
	}
	return n.Value
}

func (r *reader) texts(n *yaml.Node) []string {
	all := []string{}
	r.list(n, func(element *yaml.Node) { all = append(all, r.text(element)) })
	return all
}

func (r *reader) boolean(n *yaml.Node) bool {
	value, err := strconv.ParseBool(r.text(n))
	if err != nil {
		r.addProblem(n, "expected true or false")
	}
	return value
}

// seconds reads a duration: 5m, 24h, or a number of seconds.
func (r *reader) seconds(n *yaml.Node, in policy.Range) int64 {
	text := r.text(n)
	value, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		duration, failed := time.ParseDuration(text)
		value, err = int64(duration/time.Second), failed
	}
	if err != nil || !in.Has(value) {
		r.addProblem(n, "%q is not a duration between %v and %v, such as 5m", text,
			time.Duration(in.Least)*time.Second, time.Duration(in.Most)*time.Second)
	}
	return value
}

// secondsOrNone reads a duration, or none: policy.NoLimit.
func (r *reader) secondsOrNone(n *yaml.Node, in policy.Range) int64 {
	if resolve(n).Value == "none" {
		return policy.NoLimit
	}
	return r.seconds(n, in)
}

func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func sorted(members map[string]func(*yaml.Node)) []string {
	var names []string
	for name := range members {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
