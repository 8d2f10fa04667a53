//go:build unix

package pg

import (
	"os"
	"os/exec"
	"testing"
)

// Shell runs a bash script in a directory as the account that may run PostgreSQL, with its
// programs in the path, and returns what it says. The directory becomes that account's.
func Shell(tb testing.TB, directory string, environment []string, script string) (output string) {
	tb.Helper()
	binaries, err := findBinaries()
	if err != nil {
		tb.Fatalf("PostgreSQL is needed (Debian: apt install postgresql): %v", err)
	}
	command := exec.CommandContext(tb.Context(), "bash", "-euo", "pipefail", "-c", script)
	command.Dir = directory
	command.Env = append(os.Environ(), "HOME="+directory, "PATH="+directory+":"+binaries+":"+os.Getenv("PATH"))
	command.Env = append(command.Env, environment...)
	if command.SysProcAttr, err = asOrdinaryUser(directory); err != nil {
		tb.Fatal(err)
	}
	out, err := command.CombinedOutput()
	if err != nil {
		tb.Fatalf("%v\n%s\n%s", err, script, out)
	}
	return string(out)
}
