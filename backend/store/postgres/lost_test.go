package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/store/sqlstore"
	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
)

const others = `FROM pg_stat_activity
	WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'`

// endOthers ends all connections to a database but one, including those being made, or
// those of them that a further condition selects, and waits until they are gone.
func endOthers(t *testing.T, conn *pgx.Conn, condition string) {
	t.Helper()
	for left := 1; left > 0; {
		exec(t, conn, "SELECT pg_stat_clear_snapshot()") // which is that of the transaction
		if err := conn.QueryRow(t.Context(), "SELECT COUNT(pg_terminate_backend(pid)) "+others+condition).Scan(&left); err != nil {
			t.Fatal(err)
		}
	}
}

// warm makes a store open more connections than it reads by. Its operations may fail if
// earlier connections were lost and not detected yet.
func warm(t *testing.T, store *sqlstore.Store) {
	t.Helper()
	var group sync.WaitGroup
	for range 32 * runtime.GOMAXPROCS(0) {
		group.Go(func() { store.Organizations(t.Context(), "", 10) })
	}
	group.Wait()
}

// TestALostConnectionFailsNoRead: a database that restarts, or a pooler that ends
// connections, interrupts all reads of that moment, which are many.
func TestALostConnectionFailsNoRead(t *testing.T) {
	store, other := openBeside(t)
	right := func(ref string, o directory.OrganizationRecord, err error) {
		if err != nil || o.Slug != ref {
			t.Errorf("%s: %+v, %v", ref, o, err)
		}
	}
	var group sync.WaitGroup
	for range 5 {
		warm(t, store)
		exec(t, other, "BEGIN; LOCK TABLE organizations IN ACCESS EXCLUSIVE MODE")
		group.Go(func() { atOnce(store, []string{"acme", "globex"}, right) })
		for reading := 0; reading == 0; {
			if err := other.QueryRow(t.Context(), "SELECT COUNT(*) FROM pg_locks WHERE NOT granted").Scan(&reading); err != nil {
				t.Fatal(err)
			}
		}
		// The idle ones first: a read that lost its connection might otherwise find one that
		// is about to end, as often as it tries.
		endOthers(t, other, " AND state = 'idle'")
		exec(t, other, "SELECT pg_terminate_backend(pid) "+others)
		exec(t, other, "ROLLBACK")
		group.Wait()

		endOthers(t, other, "")
		atOnce(store, []string{"acme", "globex"}, right)
	}
}

// TestReadsOfADatabaseThatIsNotThereFail: the number of attempts is limited.
func TestReadsOfADatabaseThatIsNotThereFail(t *testing.T) {
	between := passOn(t, pg.Postgres(t))
	store := open(t, between.address)
	between.close()
	atOnce(store, []string{"acme"}, func(_ string, _ directory.OrganizationRecord, err error) {
		if err == nil {
			t.Error("something was read")
		}
	})
}

// TestConnectionsThatDiedUnseenHoldNobodyUpForLong: if a host is gone, or a network
// dropped a connection, no error arrives.
func TestConnectionsThatDiedUnseenHoldNobodyUpForLong(t *testing.T) {
	between := passOn(t, pg.Postgres(t))
	store := open(t, between.address)
	warm(t, store)
	between.freeze()
	begun := time.Now()
	for try := 0; ; try++ {
		ctx, giveUp := context.WithTimeout(t.Context(), 30*time.Second)
		_, err := store.Organization(ctx, "acme")
		giveUp()
		if err == nil {
			t.Logf("read after %v, and %d that failed", time.Since(begun), try)
			return
		}
		if errors.Is(err, context.DeadlineExceeded) || try == 1 {
			t.Fatalf("after %v: %v", time.Since(begun), err)
		}
	}
}

// TestWhoGivesUpConnectingSpoilsItForNobody: a connection that takes long to make is
// made for all callers that wait.
func TestWhoGivesUpConnectingSpoilsItForNobody(t *testing.T) {
	between := passOn(t, pg.Postgres(t))
	store := open(t, between.address)
	between.close()
	connecting, connect := make(chan struct{}), make(chan struct{})
	between.listen(func() {
		select {
		case connecting <- struct{}{}:
			<-connect
		case <-connect:
		}
	})
	impatient, giveUp := context.WithCancel(t.Context())
	defer giveUp()
	go store.Organization(impatient, "globex")
	<-connecting
	for quiet := false; !quiet; { // until the dead connections are given up
		select {
		case <-connecting:
		case <-time.After(300 * time.Millisecond):
			quiet = true
		}
	}
	read := make(chan error, 1)
	go func() {
		_, err := store.Organization(t.Context(), "acme")
		read <- err
	}()
	<-time.After(300 * time.Millisecond) // it waits by then
	giveUp()
	<-time.After(300 * time.Millisecond) // it has failed by now, or will not
	close(connect)
	if err := <-read; err != nil {
		t.Error(err)
	}
}

// passage forwards connections to a PostgreSQL.
type passage struct {
	testing.TB
	address string // the address to connect to
	from    string
	to      string

	mu       sync.Mutex
	listener net.Listener
	open     []net.Conn
	frozen   chan struct{}
}

var hostOf = regexp.MustCompile(`host=(\S+)`)

func passOn(t *testing.T, address string) *passage {
	t.Helper()
	p := &passage{TB: t, from: t.TempDir(), to: hostOf.FindStringSubmatch(address)[1], frozen: make(chan struct{})}
	p.address = hostOf.ReplaceAllString(address, "host="+p.from)
	t.Cleanup(p.close)
	p.listen(func() {})
	return p
}

const socket = ".s.PGSQL.5432"

// listen accepts connections, each after a delay.
func (p *passage) listen(delay func()) {
	p.Helper()
	listener, err := net.Listen("unix", filepath.Join(p.from, socket))
	if err != nil {
		p.Fatal(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener = listener
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				delay()
				p.pass(client)
			}()
		}
	}()
}

func (p *passage) pass(client net.Conn) {
	server, err := net.Dial("unix", filepath.Join(p.to, socket))
	if err != nil {
		client.Close()
		p.Error(fmt.Errorf("no database: %w", err))
		return
	}
	p.mu.Lock()
	p.open = append(p.open, client, server)
	frozen := p.frozen
	p.mu.Unlock()
	for from, to := range map[net.Conn]net.Conn{client: server, server: client} {
		go func() {
			io.Copy(through{to, frozen}, from)
			select {
			case <-frozen:
			default:
				to.Close()
			}
		}()
	}
}

// through is a connection that drops everything written to it once it is frozen.
type through struct {
	net.Conn
	frozen chan struct{}
}

func (c through) Write(b []byte) (int, error) {
	select {
	case <-c.frozen:
		return len(b), nil
	default:
		return c.Conn.Write(b)
	}
}

// freeze stops the traffic on all open connections.
func (p *passage) freeze() {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.frozen)
	p.frozen = make(chan struct{})
}

// close ends all connections and accepts no more.
func (p *passage) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.listener.Close()
	for _, c := range p.open {
		c.Close()
	}
	p.open = nil
}
