package guide_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/browser_test/contract"
	"github.com/tabard-auth/tabard/browser_test/kit/ports"
	"github.com/tabard-auth/tabard/browser_test/kit/program"
)

// stops pastes commands of which one fails, and returns what they say.
func (o *operator) stops(target, script string) (said string) {
	o.Helper()
	said, err := pg.Paste(o, o.folder, o.environment(target), script)
	if err == nil || strings.Contains(said, "Accepted") {
		o.Errorf("it went on to the end: %s", said)
	}
	return said
}

// TestGuide_RestoreStopsWhereACommandFails pastes the guide's block of a recovery to a
// point in time where one of its commands fails, and then where none does.
func TestGuide_RestoreStopsWhereACommandFails(t *testing.T) {
	o := newOperator(t)
	o.in("tabard", func(ctx context.Context, s *sqlstore.Store) error {
		if _, err := s.Epoch(ctx, ""); err != nil { // as the first start of a server
			return err
		}
		_, err := s.SignIn(ctx, directory.User{ID: "usr_back", Issuer: "https://id.test", Subject: "back"}, time.Now().Unix())
		return err
	})
	o.block("archive_command", "")
	o.block("pg_basebackup", "")
	target := o.clock()
	o.blocked(true)
	recovery := o.find("recovery.signal")

	o.run("", "mv tabard.secret hidden")
	o.stops(target, recovery)
	if began := o.run("", `ls -d data.* 2> /dev/null || true; psql --dbname="$DATABASE" -Atc 'SELECT count(*) FROM users WHERE disabled_at IS NOT NULL'`); strings.TrimSpace(began) != "1" {
		t.Errorf("without a new epoch the database was restored: %s", began)
	}
	o.run("", "mv hidden tabard.secret")
	if os.Geteuid() == 0 { // the file of an account that is in no group of root's
		if err := os.Chown(o.folder+"/tabard.secret", -1, 0); err != nil {
			t.Fatal(err)
		}
	}

	said := o.stops(o.clockAfter("1 day"), recovery)
	if log := o.run("", "tail -5 postgresql.log"); !strings.Contains(log, "recovery ended before configured recovery target was reached") {
		t.Errorf("a time after the last transaction: %s\n%s", said, log)
	}

	until, accept, _ := strings.Cut(recovery, "tabard restore --accept")
	if out, err := pg.Paste(o, o.folder, o.environment(target), until+")"); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	o.notServed()
	o.cameBack("tabard", o.run("", "(tabard restore --accept"+accept))
}

// notServed starts a server, and sees that it answers nobody.
func (o *operator) notServed() {
	o.Helper()
	listen := fmt.Sprintf("127.0.0.1:%d", ports.Hold(o))
	server := program.Start(o, "tabard", []string{
		"TABARD_PUBLIC_URL=http://localhost/auth", "TABARD_LISTEN=" + listen, "TABARD_DATABASE=" + o.address("tabard"), "TABARD_SECRET_FILE=" + o.folder + "/tabard.secret",
		"TABARD_OIDC_ISSUER=https://id.test", "TABARD_OIDC_CLIENT_ID=tabard", "TABARD_OIDC_CLIENT_SECRET=secret",
	}, "serve")
	defer server.Stop()
	contract.Ready(o, "http://"+listen+"/auth")
	answer, err := http.Get("http://" + listen + "/auth/readyz")
	if err != nil {
		o.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || answer.StatusCode != http.StatusServiceUnavailable || !strings.Contains(string(body), `"epoch"`) {
		o.Errorf("a recovered database is served: %d %s %v", answer.StatusCode, body, err)
	}
}

// clockAfter returns the database's time, and an interval more.
func (o *operator) clockAfter(interval string) string {
	o.Helper()
	return strings.TrimSpace(o.run("", `psql --dbname="$DATABASE" -Atc "SELECT clock_timestamp() + interval '`+interval+`'"`))
}
