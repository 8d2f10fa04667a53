// Package notes is the demonstration's API: notes of organisations, each kept
// from every other. It shows what a resource server does with Tabard's tokens:
// verify, compare the organisation with the resource's, check the permission, and let
// no query forget the organisation.
package notes

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the notes' database

	"github.com/tabard-auth/tabard/backend/tenantdb"
)

// Note is a note of one organisation.
type Note struct {
	ID   string `json:"id"`
	Text string `json:"text"`
	// Author is the user id (sub) of whoever wrote it; empty for a note that
	// was there from the start.
	Author    string `json:"author,omitempty"`
	WrittenAt int64  `json:"written_at"` // Unix seconds
}

// Errors of a Book.
var (
	ErrNotFound = errors.New("notes: no such note")
	ErrFull     = errors.New("notes: the organisation has as many notes as it may have")
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

const maxNotes = 200 // of one organisation

// Guard refuses statements that could touch another organisation's notes.
var Guard = tenantdb.Guard{Tables: []string{"notes"}, Column: "organization_id"}

// Book keeps the notes of all organisations. Its methods take the organisation first,
// by id, so that no caller can forget it, nor can a query.
type Book struct {
	scope func(organization string) tenantdb.Queries
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

// NewBook returns a book over the queries of an organisation: Guard's, or a test's.
func NewBook(scope func(organization string) tenantdb.Queries) *Book { return &Book{scope} }

// Guarded are the queries of an organisation that Guard lets pass.
func Guarded(db *sql.DB) func(organization string) tenantdb.Queries {
	return func(organization string) tenantdb.Queries { return Guard.For(db, organization) }
}

// Begin writes down what the organisations have from the start, by organisation id,
// newest first.
func (b *Book) Begin(ctx context.Context, texts map[string][]string, now time.Time) error {
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

// List returns an organisation's notes, newest first.
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
	return note, touched(result, err, ErrFull)
}

// Delete removes a note of that organisation, or fails with ErrNotFound.
func (b *Book) Delete(ctx context.Context, organization, id string) error {
	result, err := b.scope(organization).ExecContext(ctx, deleteNote, sql.Named("id", id))
	return touched(result, err, ErrNotFound)
}

// touched is the error of a statement, and none where it touched no row.
func touched(result sql.Result, err, none error) error {
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return none
}
