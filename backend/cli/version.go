package cli

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Say which release this is",
		GroupID: groupOther,
		Args:    cobra.NoArgs,
		Run:     func(c *cobra.Command, _ []string) { fmt.Fprintln(c.OutOrStdout(), version()) },
	}
}

// version says which release this is, and of which commit, as far as the build
// wrote it down.
func version() string {
	release, commit := "unknown", ""
	if build, ok := debug.ReadBuildInfo(); ok {
		release = build.Main.Version
		for _, s := range build.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				commit = " " + s.Value[:12]
			}
		}
	}
	return fmt.Sprintf("tabard %s%s %s %s/%s", release, commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
