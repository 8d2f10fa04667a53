package tenantdb_test

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tabard-auth/tabard/backend/tenantdb"
)

// queries draws queries over notes and tags, which the guard knows, and colours, which
// are everybody's. Most are wrong somewhere.
type queries struct{ *rapid.T }

func (q queries) one(of ...string) string { return rapid.SampledFrom(of).Draw(q.T, "one") }

func (q queries) query(depth int, around []string) string {
	from, names := q.from(depth)
	text := "SELECT " + q.one(names...) + ".id FROM " + from
	if q.one("where", "where", "where", "none") == "where" {
		text += " WHERE " + q.expression(depth, append(names, around...))
	}
	if depth > 0 && q.one("", "", "", "set") == "set" {
		text += q.one(" UNION ", " EXCEPT ", " INTERSECT ") + q.query(depth-1, around)
	}
	return text
}

func (q queries) from(depth int) (text string, names []string) {
	for i := range rapid.IntRange(1, 3).Draw(q.T, "tables") {
		alias := fmt.Sprintf("t%d%d", depth, i)
		table := q.one("notes", "tags", "colours", `"notes"`, "main.tags") + q.one(" ", " AS ") + alias
		if q.one("table", "table", "table", "query") == "query" && depth > 0 {
			table = "(" + q.query(depth-1, nil) + ") " + alias
		}
		names = append(names, alias)
		switch join := q.one(", ", " JOIN ", " LEFT JOIN ", " LEFT OUTER JOIN ", " RIGHT JOIN ", " FULL JOIN "); {
		case i == 0:
			text = table
		case join == ", ":
			text += join + table
		default:
			text += join + table + " ON " + q.expression(depth, names)
		}
	}
	return text, names
}

// expression is about what goes by these names.
func (q queries) expression(depth int, names []string) string {
	name := q.one(names...)
	scoped := name + ".organization_id = @organization"
	if depth <= 0 {
		return q.one(scoped, scoped, name+".id = 1", "1 = 1")
	}
	a := func() string { return q.expression(depth-1, names) }
	switch q.one("scoped", "scoped", "scoped", "and", "and", "and", "or", "not", "brackets", "brackets", "compared", "between", "case", "exists", "in", "call") {
	case "and":
		return a() + " AND " + a()
	case "or":
		return a() + " OR " + a()
	case "not":
		return "NOT " + a()
	case "brackets":
		return "(" + a() + ")"
	case "compared":
		return "(" + a() + ") " + q.one("= 0", "<> 1", "IS NULL")
	case "between":
		return name + ".id BETWEEN 0 AND " + a()
	case "case":
		return "CASE WHEN " + a() + " THEN " + a() + " ELSE " + a() + " END"
	case "exists":
		return q.one("", "NOT ") + "EXISTS (" + q.query(depth-1, names) + ")"
	case "in":
		return name + ".id " + q.one("", "NOT ") + "IN (" + q.query(depth-1, names) + ")"
	case "call":
		return "coalesce(" + a() + ", " + a() + ")"
	}
	return scoped
}

// peopled is a database with the rows of these organisations.
func peopled(t testing.TB, organizations ...string) *sql.DB {
	t.Helper()
	text := `CREATE TABLE notes (id INTEGER, organization_id TEXT); CREATE TABLE tags (id INTEGER, organization_id TEXT);
		CREATE TABLE colours (id INTEGER); INSERT INTO colours VALUES (1), (2), (11);`
	for i, organization := range organizations {
		for _, table := range []string{"notes", "tags"} {
			text += fmt.Sprintf("INSERT INTO %s VALUES (%d, '%s'), (%d, '%[3]s');", table, 10*i+1, organization, 10*i+2)
		}
	}
	return database(t, text)
}

func answer(db *sql.DB, query string) (string, error) {
	rows, err := db.Query(query, sql.Named("organization", "org_acme"))
	if err != nil {
		return "", err
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var id sql.NullInt64
		rows.Scan(&id)
		all = append(all, fmt.Sprint(id))
	}
	slices.Sort(all)
	return strings.Join(all, " "), rows.Err()
}

// TestWhatTheGuardLetsPassSeesNothingOfOthers draws queries, and compares what those that
// pass find where other organisations have rows and where none has.
func TestWhatTheGuardLetsPassSeesNothingOfOthers(t *testing.T) {
	alone, together := peopled(t, "org_acme"), peopled(t, "org_acme", "org_globex")
	passed := 0
	rapid.Check(t, func(t *rapid.T) {
		for range 100 {
			query := queries{t}.query(2, nil)
			if err := guard.Check(query); err != nil {
				if !errors.Is(err, tenantdb.ErrUnscoped) {
					t.Fatal(err)
				}
				continue
			}
			want, err := answer(alone, query)
			if err != nil { // no SQL
				continue
			}
			passed++
			if got, err := answer(together, query); got != want || err != nil {
				t.Fatalf("%s\nfinds %s, beside others %s (%v)", query, want, got, err)
			}
		}
	})
	if passed < 100 {
		t.Errorf("only %d queries passed", passed)
	}
}
