package guide

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// guides are the documents whose commands make secrets.
var guides = []string{"README.md", "backend/README.md", "backend/resource/README.md", "worker/README.md"}

// commandsOf returns the lines of a guide's blocks that are commands.
func commandsOf(t *testing.T, guide string) (all []string) {
	t.Helper()
	for _, block := range append(blocks(t, guide, "sh"), blocks(t, guide, "console")...) {
		for line := range strings.Lines(block) {
			line = strings.TrimSuffix(strings.TrimSpace(line), " &&")
			all = append(all, strings.TrimPrefix(line, "$ "))
		}
	}
	return all
}

// Only its owner may read a secret from the moment it is written: a mode that is set
// afterward is too late for a reader in between.
func TestGuide_SecretsAreTheirOwnersAlone(t *testing.T) {
	made := 0
	for _, guide := range guides {
		for _, command := range commandsOf(t, guide) {
			if !strings.Contains(command, "openssl rand") {
				continue
			}
			folder := t.TempDir()
			run := exec.Command("bash", "-ec", "umask 022; "+strings.NewReplacer("/etc/", "./", "chmod", "true").Replace(command))
			run.Dir = folder
			if out, err := run.CombinedOutput(); err != nil {
				t.Errorf("%s: %s: %v\n%s", guide, command, err, out)
				continue
			}
			files, err := os.ReadDir(folder)
			if err != nil || len(files) != 1 {
				t.Fatalf("%s: %s made %v: %v", guide, command, files, err)
			}
			if info, err := files[0].Info(); err != nil || info.Mode().Perm() != 0o600 || info.Size() < 32 {
				t.Errorf("%s: %s: %v of %d bytes", guide, command, info.Mode(), info.Size())
			}
			made++
		}
	}
	if made < 2 {
		t.Errorf("the guides make %d secrets", made)
	}
}

var written = regexp.MustCompile(`(?:>|\btee) *([\w./-]+\.(?:sql|secret)\b)`)

// The Worker's guide is followed inside a repository, perhaps a public one.
func TestGuide_GitIgnoresWorkerSecrets(t *testing.T) {
	text, err := os.ReadFile("../../worker/README.md")
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]bool{".dev.vars": true, "tabard.secret.new": true}
	for _, match := range written.FindAllStringSubmatch(string(text), -1) {
		files[match[1]] = true
	}
	if len(files) < 6 {
		t.Errorf("the guide writes only %v", files)
	}
	for file := range files {
		if out, err := exec.Command("git", "check-ignore", filepath.Join("../../worker", file)).CombinedOutput(); err != nil {
			t.Errorf("git does not ignore %s: %v %s", file, err, out)
		}
	}
}
