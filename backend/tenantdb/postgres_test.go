//go:build unix

package tenantdb_test

import (
	"context"
	"database/sql"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/tabard-auth/tabard/backend/store/storetest/pg"
	"github.com/tabard-auth/tabard/backend/tenantdb"
)

// service is a PostgreSQL with notes of two organizations, seen by a service's role,
// through pools of one connection.
type service struct {
	*testing.T
	owner string // the connection string of the superuser
	pool  *pgxpool.Pool
	db    *sql.DB
}

func newService(t *testing.T) *service {
	t.Helper()
	s := &service{T: t, owner: pg.Postgres(t)}
	owner, err := pgx.Connect(t.Context(), s.owner)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.Background())
	policy, err := tenantdb.Policy("notes", "organization_id")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := owner.Exec(t.Context(), `
		DROP ROLE IF EXISTS service;
		CREATE ROLE service LOGIN NOSUPERUSER NOBYPASSRLS;
		CREATE TABLE notes (id text PRIMARY KEY, organization_id text NOT NULL, text text NOT NULL);
		INSERT INTO notes VALUES ('a', 'org_acme', 'of Acme'), ('g', 'org_globex', 'of Globex');
		GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO service;`+policy); err != nil {
		t.Fatal(err)
	}
	config, err := pgxpool.ParseConfig(strings.Replace(s.owner, "user=postgres", "user=service", 1))
	if err != nil {
		t.Fatal(err)
	}
	config.MaxConns = 1
	if s.pool, err = pgxpool.NewWithConfig(t.Context(), config); err != nil {
		t.Fatal(err)
	}
	s.db = stdlib.OpenDB(*config.ConnConfig)
	s.db.SetMaxOpenConns(1)
	t.Cleanup(func() {
		s.pool.Close()
		s.db.Close()
		if owner, err := pgx.Connect(context.Background(), s.owner); err == nil {
			owner.Exec(context.Background(), `DROP OWNED BY service; DROP ROLE service`)
			owner.Close(context.Background())
		}
	})
	return s
}

// everything is a query that forgets its organization.
const everything = `SELECT id FROM notes ORDER BY id`

// statements are the operations of work with either helper: query for ids, and execute.
type statements struct {
	ids  func(query string) ([]string, error)
	exec func(query string) error
}

func (s *service) helpers() map[string]func(context.Context, string, func(statements) error) error {
	return map[string]func(context.Context, string, func(statements) error) error{
		"pgx": func(ctx context.Context, organization string, work func(statements) error) error {
			return tenantdb.InTx(ctx, s.pool, organization, func(tx pgx.Tx) error {
				return work(statements{
					func(query string) ([]string, error) {
						rows, _ := tx.Query(context.Background(), query)
						return pgx.CollectRows(rows, pgx.RowTo[string])
					},
					func(query string) error { _, err := tx.Exec(context.Background(), query); return err },
				})
			})
		},
		"database/sql": func(ctx context.Context, organization string, work func(statements) error) error {
			return tenantdb.InSQLTx(ctx, s.db, organization, func(tx *sql.Tx) error {
				return work(statements{
					func(query string) (ids []string, err error) {
						rows, err := tx.Query(query)
						for err == nil && rows.Next() {
							var id string
							err = rows.Scan(&id)
							ids = append(ids, id)
						}
						return ids, err
					},
					func(query string) error { _, err := tx.Exec(query); return err },
				})
			})
		},
	}
}

// outside returns the rows that the same connections see without an organization.
func (s *service) outside() {
	s.Helper()
	rows, _ := s.pool.Query(context.Background(), everything)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(ids) != 0 {
		s.Errorf("without an organization the pool finds %v, %v", ids, err)
	}
	var n int
	if err := s.db.QueryRow(`SELECT count(*) FROM notes`).Scan(&n); err != nil || n != 0 {
		s.Errorf("without an organization database/sql finds %d, %v", n, err)
	}
}

func TestAForgetfulQueryFindsItsOrganizationsRowsOnly(t *testing.T) {
	s := newService(t)
	for name, in := range s.helpers() {
		s.outside()
		for organization, want := range map[string]string{"org_acme": "a", "org_globex": "g", "org_new": "", "' OR true --": ""} {
			err := in(t.Context(), organization, func(q statements) error {
				ids, err := q.ids(everything)
				if strings.Join(ids, "") != want {
					t.Errorf("%s: %s finds %v", name, organization, ids)
				}
				return err
			})
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			s.outside()
		}
	}
}

// TestATransactionInATransactionIsOfTheSameOrganization: a released savepoint leaves
// its settings to the enclosing transaction.
func TestATransactionInATransactionIsOfTheSameOrganization(t *testing.T) {
	s := newService(t)
	found := func(tx pgx.Tx) string {
		rows, _ := tx.Query(t.Context(), everything)
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Error(err)
		}
		return strings.Join(ids, "")
	}
	err := tenantdb.InTx(t.Context(), s.pool, "org_acme", func(tx pgx.Tx) error {
		if err := tenantdb.InTx(t.Context(), tx, "org_acme", func(pgx.Tx) error { return nil }); err != nil {
			t.Errorf("the same: %v", err)
		}
		err := tenantdb.InTx(t.Context(), tx, "org_globex", func(inner pgx.Tx) error {
			t.Errorf("another is let in, and finds %s", found(inner))
			return nil
		})
		if !errors.Is(err, tenantdb.ErrOtherOrganization) {
			t.Errorf("another: %v", err)
		}
		if got := found(tx); got != "a" {
			t.Errorf("then the transaction around finds %s", got)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	s.outside()
}

func TestAForgetfulStatementWritesItsOrganizationsRowsOnly(t *testing.T) {
	s := newService(t)
	for name, in := range s.helpers() {
		for statement, refused := range map[string]bool{
			`UPDATE notes SET text = 'mine'`:                                                            false,
			`DELETE FROM notes WHERE id = 'g'`:                                                          false,
			`INSERT INTO notes VALUES ('x', 'org_globex', 'planted')`:                                   true,
			`UPDATE notes SET organization_id = 'org_globex'`:                                           true,
			`INSERT INTO notes VALUES ('g', 'org_acme', 'x') ON CONFLICT DO NOTHING`:                    false,
			`ALTER TABLE notes DISABLE ROW LEVEL SECURITY`:                                              true,
			`CREATE POLICY mine ON notes USING (true)`:                                                  true,
			`SELECT set_config('tabard.org_id', '', true)`:                                              false,
			`INSERT INTO notes VALUES ('g', 'org_acme', 'x') ON CONFLICT (id) DO UPDATE SET text = 'x'`: true,
		} {
			err := in(t.Context(), "org_acme", func(q statements) error { return q.exec(statement) })
			if (err != nil) != refused {
				t.Errorf("%s: %s: %v", name, statement, err)
			}
			s.outside()
		}
	}
	if err := tenantdb.InTx(t.Context(), s.pool, "org_globex", func(tx pgx.Tx) error {
		var text string
		err := tx.QueryRow(t.Context(), `SELECT string_agg(id || ': ' || text, ', ') FROM notes`).Scan(&text)
		if text != "g: of Globex" {
			t.Errorf("Globex has %s", text)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

// However work ends, the pool's only connection does not carry its organization over to
// the next request.
func TestAPooledConnectionNeverCarriesAnOrganizationOver(t *testing.T) {
	s := newService(t)
	failed := errors.New("failed")
	for name, in := range s.helpers() {
		for ending, end := range map[string]func(context.CancelFunc, statements) error{
			"commit":             func(_ context.CancelFunc, _ statements) error { return nil },
			"an error":           func(_ context.CancelFunc, _ statements) error { return failed },
			"a failed statement": func(_ context.CancelFunc, q statements) error { return q.exec(`SELECT 1/0`) },
			"a panic":            func(_ context.CancelFunc, _ statements) error { panic(failed) },
			"a cancelled request": func(cancel context.CancelFunc, _ statements) error {
				cancel()
				return nil
			},
		} {
			func() {
				defer func() {
					if r := recover(); (r != nil) != (ending == "a panic") {
						t.Errorf("%s, %s: panic %v", name, ending, r)
					}
				}()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				err := in(ctx, "org_acme", func(q statements) error {
					if err := q.exec(`UPDATE notes SET text = 'by ` + name + ending + `'`); err != nil {
						t.Errorf("%s, %s: %v", name, ending, err)
					}
					return end(cancel, q)
				})
				if (err == nil) != (ending == "commit") {
					t.Errorf("%s, %s: %v", name, ending, err)
				}
			}()
			s.outside()
			if err := in(t.Context(), "org_globex", func(q statements) error {
				ids, err := q.ids(everything)
				if !slices.Equal(ids, []string{"g"}) {
					t.Errorf("%s, after %s, Globex finds %v", name, ending, ids)
				}
				return err
			}); err != nil {
				t.Errorf("%s, after %s: %v", name, ending, err)
			}
			if err := in(t.Context(), "org_acme", func(q statements) error {
				kept, err := q.ids(`SELECT id FROM notes WHERE text = 'by ` + name + ending + `'`)
				if (len(kept) > 0) != (ending == "commit") {
					t.Errorf("%s, after %s, Acme keeps %v", name, ending, kept)
				}
				return err
			}); err != nil {
				t.Errorf("%s, after %s: %v", name, ending, err)
			}
		}
	}
}

func TestNoOrganizationAndNoRoleBeyondPoliciesAreServed(t *testing.T) {
	s := newService(t)
	served := func(statements) error { t.Error("served"); return nil }
	for name, in := range s.helpers() {
		if err := in(t.Context(), "", served); !errors.Is(err, tenantdb.ErrNoOrganization) {
			t.Errorf("%s: %v", name, err)
		}
	}
	owner, err := pgx.Connect(t.Context(), s.owner)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.Background())
	never := func(pgx.Tx) error { return served(statements{}) }
	if err := tenantdb.InTx(t.Context(), owner, "org_acme", never); !errors.Is(err, tenantdb.ErrBypass) {
		t.Errorf("a superuser: %v", err)
	}
	if _, err := owner.Exec(t.Context(), `ALTER ROLE service BYPASSRLS`); err != nil {
		t.Fatal(err)
	}
	if err := tenantdb.InTx(t.Context(), s.pool, "org_acme", never); !errors.Is(err, tenantdb.ErrBypass) {
		t.Errorf("a role with BYPASSRLS: %v", err)
	}
}

func TestAPolicyHoldsTheTablesOwnerAndCannotBeWidened(t *testing.T) {
	s := newService(t)
	owner, err := pgx.Connect(t.Context(), s.owner)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close(context.Background())
	if _, err := owner.Exec(t.Context(), `ALTER TABLE notes OWNER TO service; CREATE POLICY wide ON notes USING (true)`); err != nil {
		t.Fatal(err)
	}
	s.outside()
	if err := tenantdb.InTx(t.Context(), s.pool, "org_acme", func(tx pgx.Tx) error {
		rows, _ := tx.Query(t.Context(), everything)
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if !slices.Equal(ids, []string{"a"}) {
			t.Errorf("the owner finds %v", ids)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}

func TestAPolicyIsMadeOfPlainNames(t *testing.T) {
	for _, name := range []string{"", "Notes", `no"tes`, "notes; DROP TABLE notes", "a.b", strings.Repeat("n", 64)} {
		if text, err := tenantdb.Policy(name, "organization_id"); err == nil {
			t.Errorf("%q: %s", name, text)
		}
		if text, err := tenantdb.Policy("notes", name); err == nil {
			t.Errorf("%q: %s", name, text)
		}
	}
}

func TestTheGuidesPolicyIsThePolicy(t *testing.T) {
	policy, err := tenantdb.Policy("notes", "organization_id")
	if err != nil {
		t.Fatal(err)
	}
	guide, err := os.ReadFile("../resource/README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(guide), "```sql\n"+policy+"```\n") {
		t.Errorf("the guide lacks\n%s", policy)
	}
}
