package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestHelpFitsEightyColumnsAndEveryCommandHasSome(t *testing.T) {
	var look func(*cobra.Command)
	look = func(c *cobra.Command) {
		args := append(strings.Fields(c.CommandPath())[1:], "--help")
		help, _, err := tabard(t, args...)
		if err != nil || c.Short == "" {
			t.Errorf("%v: %q, %v", args, c.Short, err)
		}
		for line := range strings.Lines(help) {
			if len([]rune(strings.TrimSuffix(line, "\n"))) > 80 {
				t.Errorf("%v: longer than 80 characters: %s", args, line)
			}
		}
		for _, further := range c.Commands() {
			look(further)
		}
	}
	look(newCommand())
}
