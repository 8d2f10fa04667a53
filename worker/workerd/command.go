package workerd

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// in runs a command in a folder; its error holds what it said. Nothing of it talks
// to anybody.
func in(folder, name string, args ...string) error {
	command := exec.Command(name, args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "CI=1", "WRANGLER_SEND_METRICS=false", "WRANGLER_LOG_SANITIZE=true", "NO_UPDATE_NOTIFIER=1")
	if said, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, said)
	}
	return nil
}
