package guide

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

func inFolder(t *testing.T, folder, name string, args ...string) string {
	t.Helper()
	command := exec.Command(name, args...)
	command.Dir = folder
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, program.Stderr(err))
	}
	return string(out)
}

// packedFile is a file as npm pack lists it.
type packedFile struct{ Path string }

// imports returns the declarations that the package's declarations import.
func imports(t *testing.T, files []packedFile) (paths []string) {
	t.Helper()
	relative := regexp.MustCompile(`from "(\.{1,2}/.*)\.js"`)
	for _, file := range files {
		if !strings.HasSuffix(file.Path, ".d.ts") {
			continue
		}
		text, err := os.ReadFile(filepath.Join("../../js", file.Path))
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range relative.FindAllStringSubmatch(string(text), -1) {
			paths = append(paths, "./"+filepath.Join(filepath.Dir(file.Path), match[1])+".d.ts")
		}
	}
	return paths
}

// TestPackedPackage_IsComplete: it holds every file that its exports and declarations name, its license
// is the project's, and it holds no file that its users do not need.
func TestPackedPackage_IsComplete(t *testing.T) {
	var packed []struct {
		Version string
		Files   []packedFile
	}
	if err := json.Unmarshal([]byte(inFolder(t, "../../js", "npm", "pack", "--dry-run", "--json", "--silent")), &packed); err != nil {
		t.Fatal(err)
	}
	var manifest struct {
		Version string
		Exports map[string]json.RawMessage
	}
	text, err := os.ReadFile("../../js/package.json")
	if err == nil {
		err = json.Unmarshal(text, &manifest)
	}
	if err != nil {
		t.Fatal(err)
	}
	has := map[string]bool{}
	for _, file := range packed[0].Files {
		has["./"+file.Path] = true
		top, _, _ := strings.Cut(file.Path, "/")
		if top == "test" || top == "examples" || top == "dist" || top == "build" || strings.HasSuffix(top, ".go") {
			t.Errorf("%s is packed", file.Path)
		}
	}
	wanted := []string{"./README.md", "./MIGRATION.md", "./LICENSE", "./package.json"}
	for entry, raw := range manifest.Exports {
		var targets struct{ Types, Default string }
		if json.Unmarshal(raw, &targets) == nil {
			wanted = append(wanted, targets.Types, targets.Default)
		} else if entry != "./package.json" {
			t.Errorf("the entry %s has no types", entry)
		}
	}
	for _, name := range append(wanted, imports(t, packed[0].Files)...) {
		if !has[name] {
			t.Errorf("%s is not packed", name)
		}
	}
	if theirs, ours := inFolder(t, "../..", "cat", "LICENSE"), inFolder(t, "../../js", "cat", "LICENSE"); theirs != ours {
		t.Error("the package's license is not the project's")
	}
	var module struct{ Version string }
	built, err := os.ReadFile("../../js/dist/module.json")
	if err == nil {
		err = json.Unmarshal(built, &module)
	}
	if err != nil || module.Version != manifest.Version || packed[0].Version != manifest.Version {
		t.Errorf("the package is %s, and the backend serves the module of %s (%v)", packed[0].Version, module.Version, err)
	}
}
