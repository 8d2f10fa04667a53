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
	out, err := shell(tb, directory, environment, "-euo", "pipefail", "-c", script)
	if err != nil {
		tb.Fatalf("%v\n%s\n%s", err, script, out)
	}
	return out
}

// Paste is Shell for commands as an operator pastes them: the shell goes on after one that
// fails. The error is that of the last one.
func Paste(tb testing.TB, directory string, environment []string, script string) (output string, err error) {
	tb.Helper()
	return shell(tb, directory, environment, "-c", script)
}

func shell(tb testing.TB, directory string, environment []string, args ...string) (output string, err error) {
	tb.Helper()
	binaries, err := findBinaries()
	if err != nil {
		tb.Fatalf("PostgreSQL is needed (Debian: apt install postgresql): %v", err)
	}
	command := exec.CommandContext(tb.Context(), "bash", args...)
	command.Dir = directory
	command.Env = append(os.Environ(), "HOME="+directory, "PATH="+directory+":"+binaries+":"+os.Getenv("PATH"))
	command.Env = append(command.Env, environment...)
	if command.SysProcAttr, err = asOrdinaryUser(directory); err != nil {
		tb.Fatal(err)
	}
	out, err := command.CombinedOutput()
	return string(out), err
}
