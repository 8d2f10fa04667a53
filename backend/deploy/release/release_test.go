//go:build long

package main

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// release builds a release for a platform and returns its folder.
func release(t *testing.T, only string) string {
	t.Helper()
	t.Chdir("../../..")
	out := t.TempDir()
	if err := build(t.Context(), out, only); err != nil {
		t.Fatal(err)
	}
	return out
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestRelease_IsReproducible builds it here, and from a copy of the sources in another
// folder, with the client and the module built there and files that others may not read.
func TestRelease_IsReproducible(t *testing.T) {
	one := read(t, filepath.Join(release(t, "linux/amd64"), "SHA256SUMS"))
	elsewhere := filepath.Join(t.TempDir(), "another folder")
	run(t, "bash", "-ec", `umask 077; mkdir "$0"; git ls-files -z --cached --others --exclude-standard | tar --create --null --files-from=- | tar --extract --directory="$0" --no-same-permissions`, elsewhere)
	t.Chdir(elsewhere)
	run(t, "go", "run", "./js/build")
	two := t.TempDir()
	if err := build(t.Context(), two, "linux/amd64"); err != nil {
		t.Fatal(err)
	}
	if again := read(t, filepath.Join(two, "SHA256SUMS")); !bytes.Equal(one, again) {
		t.Errorf("one build:\n%sanother:\n%s", one, again)
	}
	if lines := strings.Count(string(one), "\n"); lines != 6 {
		t.Errorf("binary, image, symbols, two npm tarballs and bill of materials are six, not %d:\n%s", lines, one)
	}
}

func run(t *testing.T, name string, args ...string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func TestRelease_BinarySaysWhichItIs(t *testing.T) {
	out := release(t, "linux/amd64")
	version, err := version()
	if err != nil {
		t.Fatal(err)
	}
	said, err := exec.Command(filepath.Join(out, fileName(version, targets[0])), "version").CombinedOutput()
	if err != nil || !strings.HasPrefix(string(said), "tabard "+version+" ") {
		t.Errorf("%q, %v", said, err)
	}
	var bom struct{ Components []struct{ Name string } }
	if err := json.Unmarshal(read(t, filepath.Join(out, "tabard-"+version+".cdx.json")), &bom); err != nil {
		t.Fatal(err)
	}
	if len(bom.Components) < 20 {
		t.Errorf("the bill of materials has %d components", len(bom.Components))
	}
}

// TestRelease_ImageStarts unpacks the image and starts it as its configuration says, with
// the image as its whole file system.
func TestRelease_ImageStarts(t *testing.T) {
	out := release(t, "linux/amd64")
	version, err := version()
	if err != nil {
		t.Fatal(err)
	}
	image, err := tarball.ImageFromPath(filepath.Join(out, "tabard-"+version+"-image-amd64.tar"), nil)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if config.Config.User != "65532:65532" || config.Architecture != "amd64" {
		t.Errorf("it runs as %q on %q", config.Config.User, config.Architecture)
	}
	root := t.TempDir()
	unpack(t, mutate.Extract(image), root)
	command := exec.CommandContext(t.Context(), config.Config.Entrypoint[0], "version")
	command.Dir = "/"
	command.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	if os.Getuid() == 0 {
		command.SysProcAttr.Credential = &syscall.Credential{Uid: user, Gid: user}
	} else { // a user namespace lets anybody change the root
		command.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		command.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		command.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	said, err := command.CombinedOutput()
	if err != nil || !strings.HasPrefix(string(said), "tabard "+version+" ") {
		t.Errorf("%q, %v", said, err)
	}
}

func unpack(t *testing.T, content io.ReadCloser, root string) {
	t.Helper()
	defer content.Close()
	if err := os.Chmod(root, 0o755); err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(content); ; {
		header, err := r.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(root, header.Name)
		if header.Typeflag == tar.TypeDir {
			err = os.MkdirAll(path, header.FileInfo().Mode())
		} else {
			var data []byte
			if data, err = io.ReadAll(r); err == nil {
				err = os.WriteFile(path, data, header.FileInfo().Mode())
			}
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
