package cli

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is an account that owns nothing, and whose only group has its number.
const nobody = 65534

// accounts runs the command line as another account than root's.
type accounts struct {
	*testing.T
	folder string // anybody may enter it, and it has a copy of the program
	isRoot bool
}

func newAccounts(t *testing.T) *accounts {
	t.Helper()
	a := &accounts{t, t.TempDir(), os.Geteuid() == 0}
	itself, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("install", "-m", "755", itself, filepath.Join(a.folder, "tabard")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for above := a.folder; above != os.TempDir(); above = filepath.Dir(above) {
		if err := os.Chmod(above, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return a
}

// as runs a command as an account, which is this one unless this is root's.
func (a *accounts) as(account uint32, args ...string) string {
	a.Helper()
	command := exec.Command(filepath.Join(a.folder, "tabard"), args...)
	command.Dir = a.folder
	if a.isRoot {
		command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: account, Gid: account}}
	}
	said, _ := command.CombinedOutput() // the text says how it ended
	return string(said)
}

// make makes a file of an account and a group.
func (a *accounts) make(path string, mode os.FileMode, uid, gid int) string {
	a.Helper()
	err := os.WriteFile(path, nil, mode)
	if err == nil && a.isRoot {
		err = os.Chown(path, uid, gid)
	}
	if err != nil {
		a.Fatal(err)
	}
	return path
}

// mkdir makes a folder of an account.
func (a *accounts) mkdir(name string, account int) string {
	a.Helper()
	path := filepath.Join(a.folder, name)
	err := os.Mkdir(path, 0o700)
	if err == nil && a.isRoot {
		err = os.Chown(path, account, account)
	}
	if err != nil {
		a.Fatal(err)
	}
	return path
}

// TestAccounts_DatabaseFile: where SQLite says that it cannot open a file, the command says
// what stands in the way.
func TestAccounts_DatabaseFile(t *testing.T) {
	a := newAccounts(t)
	own := a.mkdir("own", nobody)
	for _, test := range []struct{ name, path, says string }{
		{"no folder", filepath.Join(a.folder, "absent", "tabard.db"), "there is no folder " + filepath.Join(a.folder, "absent") + ": make it"},
		{"no folder, but a file", filepath.Join(a.folder, "tabard", "tabard.db"), filepath.Join(a.folder, "tabard") + " is not a folder"},
		{"a folder", own, own + " is a folder: name a file in it"},
		{"a folder of another account", "/usr/tabard.db", "may not make files in the folder /usr, which belongs to root: name a file in a folder of the account's own"},
		{"a file of another account", "/etc/shadow", "may not read and change /etc/shadow, which belongs to root: give the file to the account that the server runs as (chown)"},
	} {
		said := a.as(nobody, "migrate", "--database", "sqlite:"+test.path)
		if !strings.Contains(said, test.says) || strings.Contains(said, "unable to open") || strings.Contains(said, "migrate:") {
			t.Errorf("%s: it says %s", test.name, said)
		}
		said = a.as(nobody, "doctor", "--database", "sqlite:"+test.path)
		if strings.Contains(said, "unable to open") || strings.Contains(said, "accepts this account") {
			t.Errorf("%s: the doctor says %s", test.name, said)
		}
	}
	if !a.isRoot {
		return
	}
	path := filepath.Join(own, "tabard.db")
	a.as(nobody, "migrate", "--database", "sqlite:"+path)
	log := a.make(path+"-wal", 0o600, 0, 0) // as a copy leaves it that root has made
	if said := a.as(nobody, "migrate", "--check", "--database", "sqlite:"+path); !strings.Contains(said, "nobody may not read and change "+log+", which belongs to root") {
		t.Errorf("the log of another account: it says %s", said)
	}
}

// TestAccounts_FilesOfRoot: root's commands make files for the account of the folder, as
// which the server runs.
func TestAccounts_FilesOfRoot(t *testing.T) {
	a := newAccounts(t)
	own := a.mkdir("own", nobody)
	from, to := filepath.Join(own, "tabard.db"), filepath.Join(own, "restored.db")
	backup := filepath.Join(a.folder, "backup.db")
	for _, command := range [][]string{
		{"migrate", "--database", "sqlite:" + from},
		{"backup", backup, "--database", "sqlite:" + from},
		{"restore", backup, "--database", "sqlite:" + to},
		{"restore", backup, "--replace", "--database", "sqlite:" + to},
	} {
		a.as(0, command...)
	}
	for _, path := range []string{from, to} {
		if said := a.as(nobody, "migrate", "--check", "--database", "sqlite:"+path); !strings.Contains(said, "No migrations are pending") {
			t.Errorf("%s: it says %s", path, said)
		}
	}
	files, err := os.ReadDir(own)
	if err != nil || len(files) < 3 {
		t.Fatalf("%v: %v", files, err)
	}
	for _, file := range files {
		if info, err := file.Info(); err != nil || a.isRoot && info.Sys().(*syscall.Stat_t).Uid != nobody || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", file.Name(), info.Mode(), err)
		}
	}
}

// TestAccounts_SecretFile: a secret file that is replaced stays readable for the server,
// or stays as it is.
func TestAccounts_SecretFile(t *testing.T) {
	a := newAccounts(t)
	own := a.mkdir("own", nobody)
	type file struct {
		name     string
		mode     fs.FileMode
		uid, gid int
		says     string
	}
	files := []file{{"own", 0o600, nobody, nobody, "has a new epoch"}}
	if a.isRoot {
		files = append(files,
			file{"group", 0o600, nobody, 0, "has a new epoch"},
			file{"readers", 0o640, nobody, 0, "its group root may read it, and nobody is not in that group: run this as root"},
			file{"root", 0o644, 0, 0, "it belongs to root, and nobody may not give another file to that account: run this as root"},
		)
	}
	for _, f := range files {
		path := a.make(filepath.Join(own, f.name), f.mode, f.uid, f.gid)
		content := strings.Repeat("a2V5", 11) + "\n"
		if err := os.WriteFile(path, []byte(content), f.mode); err != nil {
			t.Fatal(err)
		}
		said := a.as(nobody, "secret", "epoch", "--secret-file", path)
		now, err := os.ReadFile(path)
		changed := string(now) != content
		if err != nil || !strings.Contains(said, f.says) || changed != (f.says == "has a new epoch") {
			t.Errorf("%s: it says %s, changed: %v, %v", f.name, said, changed, err)
		}
		info, err := os.Stat(path)
		if owner := info.Sys().(*syscall.Stat_t); err != nil || a.isRoot && int(owner.Uid) != f.uid || info.Mode().Perm() != f.mode {
			t.Errorf("%s: %v of %d", f.name, info.Mode(), owner.Uid)
		}
	}
}
