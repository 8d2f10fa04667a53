package guide_test

import (
	"context"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/store/postgres"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/browser_test/kit/markdown"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// operator follows the guide with a PostgreSQL of their own.
type operator struct {
	*testing.T
	folder string
	blocks []string
}

func newOperator(t *testing.T) *operator {
	t.Helper()
	guide, err := os.ReadFile("../../backend/README.md")
	if err != nil {
		t.Fatal(err)
	}
	section := markdown.Sections(string(guide))["Back up and restore"]
	folder, err := os.MkdirTemp("", "pg")
	if err != nil {
		t.Fatal(err)
	}
	o := &operator{t, folder, markdown.Blocks(section, "bash")}
	if out, err := exec.Command("install", "-m", "755", program.Path(t, "tabard"), folder+"/tabard").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	o.run("", `umask 077; openssl rand -base64 32 > tabard.secret; mkdir "$ARCHIVE"
initdb --username=postgres --auth=trust --encoding=UTF8 --no-locale --no-sync "$PGDATA" > initdb.log
cat >> "$PGDATA/postgresql.conf" <<END
unix_socket_directories = '$PWD'
listen_addresses = ''
fsync = off
END
pg_ctl start --pgdata="$PGDATA" --wait --silent --log=postgresql.log
export PGHOST="$PWD" PGUSER=postgres
createuser tabard
for name in tabard restored copied; do createdb --owner=tabard $name; done`)
	t.Cleanup(func() {
		stop := exec.Command("bash", "-c", `kill -QUIT "$(head -1 data/postmaster.pid)"`) // at once
		stop.Dir = folder
		stop.Run()
	})
	return o
}

// address returns a database's address for the role of the servers, which the guide makes:
// it is not an administrator.
func (o *operator) address(database string) string {
	return "postgresql:///" + database + "?host=" + o.folder + "&user=tabard"
}

// run runs commands, at a point in time that they may name.
func (o *operator) run(target, script string) string {
	o.Helper()
	return pg.Shell(o, o.folder, o.environment(target), script)
}

func (o *operator) environment(target string) []string {
	return []string{
		"PGDATA=" + o.folder + "/data", "ARCHIVE=" + o.folder + "/archive", "BASE=" + o.folder + "/base",
		"ADMIN=postgresql:///postgres?host=" + o.folder + "&user=postgres", "DATABASE=" + o.address("tabard"), "RESTORED=" + o.address("restored"), "TARGET=" + target,
	}
}

// block pastes the one block of the guide that has a command.
func (o *operator) block(command, target string) string {
	o.Helper()
	block := o.find(command)
	said, err := pg.Paste(o, o.folder, o.environment(target), block)
	if err != nil {
		o.Fatalf("%v\n%s\n%s", err, block, said)
	}
	return said
}

// find returns the one block of the guide that has a command.
func (o *operator) find(command string) string {
	o.Helper()
	var found []string
	for _, b := range o.blocks {
		if strings.Contains(b, command) {
			found = append(found, b)
		}
	}
	if len(found) != 1 {
		o.Fatalf("%d blocks have %s", len(found), command)
	}
	return found[0]
}

// in does something in a database.
func (o *operator) in(database string, do func(context.Context, *sqlstore.Store) error) {
	o.Helper()
	store, err := postgres.Open(o.Context(), o.address(database))
	if err == nil {
		err = do(o.Context(), store)
		store.Close()
	}
	if err != nil {
		o.Fatal(err)
	}
}

// blocked disables the person that the backups are about, or enables them.
func (o *operator) blocked(yes bool) {
	o.Helper()
	o.in("tabard", func(ctx context.Context, s *sqlstore.Store) error {
		return s.SetUserDisabled(ctx, "usr_back", yes, time.Now().Unix())
	})
}

// cameBack fails the test unless a database has the person enabled and was accepted.
func (o *operator) cameBack(database, said string) {
	o.Helper()
	if !strings.Contains(said, "usr_back") || !strings.Contains(said, "Accepted: servers serve the database") {
		o.Errorf("it said %s", said)
	}
	o.in(database, func(ctx context.Context, s *sqlstore.Store) error {
		u, err := s.User(ctx, "usr_back")
		if err == nil && u.DisabledAt != 0 {
			o.Error("it is not the state of the backup")
		}
		return err
	})
}

// TestGuide_PostgreSQLBackups runs every command that the guide has for PostgreSQL.
func TestGuide_PostgreSQLBackups(t *testing.T) {
	o := newOperator(t)
	o.in("tabard", func(ctx context.Context, s *sqlstore.Store) error {
		if _, err := s.Epoch(ctx, ""); err != nil { // as the first start of a server
			return err
		}
		_, err := s.SignIn(ctx, directory.User{ID: "usr_back", Issuer: "https://id.test", Subject: "back"}, time.Now().Unix())
		return err
	})
	o.block("pg_dump ", "")
	o.blocked(true)
	o.run("", `pg_restore --no-owner --dbname="`+o.address("copied")+`" tabard.dump`)
	o.in("copied", func(ctx context.Context, s *sqlstore.Store) error {
		e, err := s.Epoch(ctx, "")
		if err == nil && (!e.Copied || e.Value != "") {
			t.Errorf("the epoch of a restored dump is %+v: it is served", e)
		}
		return err
	})
	o.cameBack("restored", o.block("pg_restore ", ""))

	o.block("archive_command", "")
	o.block("pg_basebackup", "")
	o.blocked(false)
	target := o.clock()
	o.blocked(true)
	later := o.clock()
	o.blocked(false)
	o.cameBack("tabard", o.block("recovery.signal", target))
	if again := o.run("", `tabard restore --accept --database "$DATABASE" --secret-file tabard.secret 2>&1 || true`); !strings.Contains(again, "there is nothing to accept") {
		t.Errorf("accepted once more: %s", again)
	}

	o.block("recovery.signal", later) // that the first restore is beside the way there
	o.in("tabard", func(ctx context.Context, s *sqlstore.Store) error {
		u, err := s.User(ctx, "usr_back")
		if err == nil && u.DisabledAt == 0 {
			t.Error("another time was restored to the state of the first")
		}
		return err
	})
}

// clock returns the database's time.
func (o *operator) clock() string {
	o.Helper()
	return strings.TrimSpace(o.run("", `psql --dbname="$DATABASE" -Atc "SELECT clock_timestamp()"`))
}
