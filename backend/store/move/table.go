package move

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// table is a table of the source.
type table struct {
	name    string
	columns []string
	refers  []string // to tables
}

// tablesOf returns the tables that are carried, each after those that it refers to.
func tablesOf(ctx context.Context, db *sql.DB) ([]table, error) {
	all, err := texts(ctx, db, `SELECT name FROM sqlite_schema
WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name NOT IN ('goose_db_version', 'epochs') ORDER BY name`)
	if err != nil {
		return nil, err
	}
	var waiting, sorted []table
	for _, name := range all {
		t := table{name: name}
		if t.columns, err = texts(ctx, db, "SELECT name FROM pragma_table_info(?1) ORDER BY cid", name); err != nil {
			return nil, err
		}
		if t.refers, err = texts(ctx, db, `SELECT DISTINCT "table" FROM pragma_foreign_key_list(?1)`, name); err != nil {
			return nil, err
		}
		waiting = append(waiting, t)
	}
	for len(waiting) > 0 {
		i := slices.IndexFunc(waiting, func(t table) bool {
			return !slices.ContainsFunc(t.refers, func(other string) bool {
				return other != t.name && slices.Contains(names(waiting), other)
			})
		})
		if i < 0 {
			return nil, fmt.Errorf("tables refer to each other: %v", names(waiting))
		}
		sorted = append(sorted, waiting[i])
		waiting = slices.Delete(waiting, i, i+1)
	}
	return sorted, nil
}

func names(tables []table) (all []string) {
	for _, t := range tables {
		all = append(all, t.name)
	}
	return all
}

// texts reads rows of one text.
func texts(ctx context.Context, db *sql.DB, query string, args ...any) (all []string, err error) {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// digest is the number of rows, and a sum of them that does not depend on their order:
// databases sort texts differently.
type digest struct {
	rows int64
	sum  [sha256.Size]byte
}

// add adds a row, which differs from all others of its table by its key.
func (d *digest) add(row []any) {
	hash := sha256.New()
	for _, value := range row {
		switch v := value.(type) {
		case nil:
			hash.Write([]byte("n;"))
		case int64:
			hash.Write([]byte("i" + strconv.FormatInt(v, 10) + ";"))
		case string:
			hash.Write([]byte("t" + strconv.Itoa(len(v)) + ":" + v))
		}
	}
	d.rows++
	for i, b := range hash.Sum(nil) {
		d.sum[i] ^= b
	}
}

// batch is how many rows one statement carries.
const batch = 2000

// carryTable writes a table's rows into the target, unless that has rows already, and
// returns the digest of the source's.
func (m Move) carryTable(ctx context.Context, tx *sql.Tx, t table, filled bool) (d digest, err error) {
	columns := strings.Join(t.columns, ", ")
	insert := fmt.Sprintf("INSERT INTO %[1]s (%[2]s) SELECT %[2]s FROM json_populate_recordset(NULL::%[1]s, $1::json)", t.name, columns)
	var waiting []map[string]any
	write := func() error {
		if filled || len(waiting) == 0 {
			return nil
		}
		text, err := json.Marshal(waiting)
		if err == nil {
			_, err = tx.ExecContext(ctx, insert, string(text))
		}
		waiting = waiting[:0]
		if err == nil && m.Report != nil {
			m.Report(t.name, d.rows)
		}
		return err
	}
	rows, err := m.From.QueryContext(ctx, "SELECT "+columns+" FROM "+t.name)
	if err != nil {
		return d, err
	}
	err = each(rows, len(t.columns), func(row []any) error {
		d.add(row)
		if filled {
			return nil
		}
		fields := make(map[string]any, len(row))
		for i, value := range row {
			fields[t.columns[i]] = value
		}
		if waiting = append(waiting, fields); len(waiting) < batch {
			return nil
		}
		return write()
	})
	if err == nil {
		err = write()
	}
	return d, err
}

// readBack returns the digest of a table in the target.
func readBack(ctx context.Context, tx *sql.Tx, t table) (d digest, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT "+strings.Join(t.columns, ", ")+" FROM "+t.name)
	if err != nil {
		return d, err
	}
	err = each(rows, len(t.columns), func(row []any) error {
		d.add(row)
		return nil
	})
	return d, err
}

// each calls do with the values of each row, and closes the rows.
func each(rows *sql.Rows, columns int, do func(row []any) error) error {
	defer rows.Close()
	row, fields := make([]any, columns), make([]any, columns)
	for i := range row {
		fields[i] = &row[i]
	}
	for rows.Next() {
		if err := rows.Scan(fields...); err != nil {
			return err
		}
		for i, value := range row {
			if err := check(value); err != nil {
				return fmt.Errorf("the row that begins with %q: %w", fmt.Sprint(row[0]), err)
			}
			if raw, is := value.([]byte); is {
				row[i] = string(raw)
			}
		}
		if err := do(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

// check refuses values that PostgreSQL cannot hold.
func check(value any) error {
	switch v := value.(type) {
	case nil, int64, []byte:
		return nil
	case string:
		if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
			return fmt.Errorf("the text %q is not one that PostgreSQL can hold", v)
		}
		return nil
	}
	return fmt.Errorf("a value of the type %T is neither a number nor a text", value)
}
