package cli

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

const environmentPrefix = "TABARD_"

// fromEnvironment marks a flag that was set by the environment.
const fromEnvironment = "tabard_in_environment"

// variable returns the environment variable of a flag.
func variable(flag string) string {
	return environmentPrefix + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// readEnvironment sets every setting that the command line left out from its variable.
// An empty variable is ignored.
func readEnvironment(settings *pflag.FlagSet, environ []string) error {
	values := map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		values[name] = value
	}
	var problems []error
	settings.VisitAll(func(f *pflag.Flag) {
		value := values[variable(f.Name)]
		if f.Changed || value == "" {
			return
		}
		f.Annotations = map[string][]string{fromEnvironment: {"true"}}
		if err := settings.Set(f.Name, value); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w", variable(f.Name), err))
		}
	})
	return errors.Join(problems...)
}

// source returns the flag or variable that set a value.
func source(f *pflag.Flag) string {
	if f.Annotations[fromEnvironment] != nil {
		return variable(f.Name)
	}
	return "--" + f.Name
}

// serviceLink matches the variables that Kubernetes sets in every container of a
// namespace with a service named tabard.
var serviceLink = regexp.MustCompile(`^TABARD_(SERVICE_(HOST|PORT).*|PORT|PORT_.*)$`)

// unknownVariables returns a warning for every TABARD_ variable that is not a setting.
func unknownVariables(environ []string) []string {
	var known, warnings []string
	for _, flags := range []*pflag.FlagSet{allSettings(), new(remoteSettings).flags(), new(movement).toFlag()} {
		flags.VisitAll(func(f *pflag.Flag) { known = append(known, variable(f.Name)) })
	}
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, environmentPrefix) || slices.Contains(known, name) || serviceLink.MatchString(name) {
			continue
		}
		warning := name + ": unknown setting, ignored"
		if near, ok := nearest(name, known); ok {
			warning += "; did you mean " + near + "?"
		}
		warnings = append(warnings, warning)
	}
	slices.Sort(warnings)
	return warnings
}

// explainFlag adds a suggestion and a reference to help to the error of a flag.
func explainFlag(c *cobra.Command, err error) error {
	if c.HasSubCommands() && c.Flags().NArg() > 0 { // the flag follows an unknown subcommand
		return checkSubcommand(c, c.Flags().Args())
	}
	text := err.Error()
	if name, unknown := strings.CutPrefix(text, "unknown flag: --"); unknown {
		var known []string
		c.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
		if near, ok := nearest(name, known); ok {
			text += "; did you mean --" + near + "?"
		}
	}
	return fmt.Errorf("%s\nSee: %s --help", text, c.CommandPath())
}

// nearest returns the candidate with the least edit distance from name, if that is
// small.
func nearest(name string, candidates []string) (string, bool) {
	best, fewest := "", 4
	for _, candidate := range candidates {
		if d := distance(name, candidate); d < fewest {
			best, fewest = candidate, d
		}
	}
	return best, best != ""
}

// distance returns the Levenshtein distance of two texts.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replace := diagonal
			if a[i] != b[j] {
				replace++
			}
			diagonal = row[j+1]
			row[j+1] = min(replace, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
