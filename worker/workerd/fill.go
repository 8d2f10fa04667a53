package workerd

import (
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	_ "modernc.org/sqlite"
)

// Fill runs statements on the database of a state folder that no Worker uses. Their effect
// is that of Execute, which starts Node and wrangler for it: more than a second of
// processor time each.
func Fill(state, script string) error {
	file, err := DatabaseFile(state)
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+file+"?_pragma=foreign_keys(1)&_txlock=immediate")
	if err != nil {
		return err
	}
	defer db.Close()
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	if _, err := tx.Exec(script); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// DatabaseFile finds the SQLite file in which Miniflare keeps the database of a state folder.
func DatabaseFile(state string) (string, error) {
	files, err := filepath.Glob(filepath.Join(state, "v3", "d1", "miniflare-D1DatabaseObject", "*.sqlite"))
	if err != nil {
		return "", err
	}
	files = slices.DeleteFunc(files, func(file string) bool { return filepath.Base(file) == "metadata.sqlite" })
	if len(files) != 1 {
		return "", fmt.Errorf("%s has %d databases, want one", state, len(files))
	}
	return files[0], nil
}
