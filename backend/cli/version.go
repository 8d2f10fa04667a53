package cli

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// release is set by backend/deploy/release at link time.
var release string

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "Show the version",
		GroupID: groupOther,
		Args:    cobra.NoArgs,
		Run:     func(c *cobra.Command, _ []string) { fmt.Fprintln(c.OutOrStdout(), version()) },
	}
}

// version returns the release, or the commit if the build recorded it.
func version() string {
	built, commit := "unknown", ""
	if build, ok := debug.ReadBuildInfo(); ok {
		built = build.Main.Version
		for _, s := range build.Settings {
			if s.Key == "vcs.revision" && len(s.Value) >= 12 {
				commit = " " + s.Value[:12]
			}
		}
	}
	return fmt.Sprintf("tabard %s%s %s %s/%s", cmp.Or(release, built), commit, runtime.Version(), runtime.GOOS, runtime.GOARCH)
}
