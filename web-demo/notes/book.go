// Package notes is the demonstration's API: notes of organizations, isolated from each
// other. It shows the duties of a resource server with Tabard's tokens: verify, compare
// the organization with the resource's, check the permission, and bind the organization
// in every query.
package notes

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the notes' database
)

// Note is a note of one organization.
type Note struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	// Author is the user id (sub) of the author; empty for a note of the seed.
	Author    string `json:"author,omitempty"`
	WrittenAt int64  `json:"written_at"` // Unix seconds
}

// Errors of a Book.
var (
	ErrNotFound = errors.New("notes: no such note")
	ErrFull     = errors.New("notes: the organization has as many notes as it may have")
)

const (
	schema = `CREATE TABLE notes (
	number          INTEGER PRIMARY KEY AUTOINCREMENT,
	organization_id TEXT NOT NULL,
	id              TEXT NOT NULL,
	text            TEXT NOT NULL,
	author          TEXT NOT NULL,
	written_at      INTEGER NOT NULL,
	UNIQUE (organization_id, id)
)`
	listNotes = `SELECT id, text, author, written_at FROM notes
		WHERE organization_id = @organization ORDER BY number DESC`
	addNote = `INSERT INTO notes (organization_id, id, text, author, written_at)
		SELECT @organization, @id, @text, @author, @written
		WHERE @most > (SELECT count(*) FROM notes WHERE organization_id = @organization)`
	deleteNote = `DELETE FROM notes WHERE id = @id AND organization_id = @organization`
)

const maxNotes = 200 // of one organization

// Queries are the statements of one organization: each of them has the parameter
// @organization bound to it.
type Queries interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

// Book keeps the notes of all organizations. Its methods take the organization first,
// by id, so that no caller can forget it, and its queries get it bound to @organization.
type Book struct {
	scope func(organization string) Queries
}

// Open returns an empty database for notes, in memory.
func Open() (*sql.DB, error) {
	db, err := sql.Open("sqlite", ":memory:")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // which is the database
	_, err = db.Exec(schema)
	return db, err
}

// NewBook returns a book over the queries of an organization: [Scoped]'s, or a test's.
func NewBook(scope func(organization string) Queries) *Book { return &Book{scope} }

// Scoped returns the queries of an organization in a database.
func Scoped(db *sql.DB) func(organization string) Queries {
	return func(organization string) Queries { return scoped{db, sql.Named("organization", organization)} }
}

type scoped struct {
	db           *sql.DB
	organization sql.NamedArg
}

func (s scoped) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return s.db.QueryContext(ctx, query, append(args, s.organization)...)
}

func (s scoped) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return s.db.ExecContext(ctx, query, append(args, s.organization)...)
}

// Seed adds the demo's first notes, by organization id, newest first.
func (b *Book) Seed(ctx context.Context, texts map[string][]string, now time.Time) error {
	for organization, list := range texts {
		for i := len(list) - 1; i >= 0; i-- {
			written := now.Add(-time.Duration(i+1) * 5 * time.Hour)
			if _, err := b.Add(ctx, organization, "", list[i], written); err != nil {
				return err
			}
		}
	}
	return nil
}

// List returns an organization's notes, newest first.
func (b *Book) List(ctx context.Context, organization string) ([]Note, error) {
	rows, err := b.scope(organization).QueryContext(ctx, listNotes)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	list := []Note{}
	for rows.Next() {
		var n Note
		if err := rows.Scan(&n.ID, &n.Text, &n.Author, &n.WrittenAt); err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, rows.Err()
}

// Add writes a note down, or fails with ErrFull.
func (b *Book) Add(ctx context.Context, organization, author, text string, now time.Time) (Note, error) {
	note := Note{ID: "note_" + strings.ToLower(rand.Text()), Text: text, Author: author, WrittenAt: now.Unix()}
	result, err := b.scope(organization).ExecContext(ctx, addNote, sql.Named("id", note.ID), sql.Named("text", text),
		sql.Named("author", author), sql.Named("written", note.WrittenAt), sql.Named("most", maxNotes))
	return note, requireRows(result, err, ErrFull)
}

// Delete removes a note of that organization, or fails with ErrNotFound.
func (b *Book) Delete(ctx context.Context, organization, id string) error {
	result, err := b.scope(organization).ExecContext(ctx, deleteNote, sql.Named("id", id))
	return requireRows(result, err, ErrNotFound)
}

// requireRows returns the error of a statement, or none if the statement affected no
// row.
func requireRows(result sql.Result, err, none error) error {
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return none
}
