// Package notes is the demonstration's API: notes of organisations, each kept
// from every other. It shows what a resource server does with Tabard's tokens:
// verify, compare the organisation with the resource's, check the permission.
package notes

import (
	"crypto/rand"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"
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

const maxNotes = 200 // of one organisation

// Book keeps the notes of all organisations in memory, by organisation id. Its
// methods take the organisation first, so that no caller can forget it.
type Book struct {
	mu    sync.Mutex
	notes map[string][]Note // newest first
}

// NewBook returns a book that begins with the given texts, by organisation id,
// newest first.
func NewBook(texts map[string][]string, now time.Time) *Book {
	b := &Book{notes: make(map[string][]Note)}
	for organization, list := range texts {
		for i, text := range list {
			written := now.Add(-time.Duration(i+1) * 5 * time.Hour)
			b.notes[organization] = append(b.notes[organization], newNote(text, "", written))
		}
	}
	return b
}

// List returns an organisation's notes, newest first.
func (b *Book) List(organization string) []Note {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.notes[organization])
}

// Add writes a note down, or fails with ErrFull.
func (b *Book) Add(organization, author, text string, now time.Time) (Note, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.notes[organization]) >= maxNotes {
		return Note{}, ErrFull
	}
	note := newNote(text, author, now)
	b.notes[organization] = slices.Insert(b.notes[organization], 0, note)
	return note, nil
}

// Delete removes a note of that organisation, or fails with ErrNotFound.
func (b *Book) Delete(organization, id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := b.notes[organization]
	i := slices.IndexFunc(list, func(n Note) bool { return n.ID == id })
	if i < 0 {
		return ErrNotFound
	}
	b.notes[organization] = slices.Delete(list, i, i+1)
	return nil
}

func newNote(text, author string, written time.Time) Note {
	return Note{ID: "note_" + strings.ToLower(rand.Text()), Text: text, Author: author, WrittenAt: written.Unix()}
}
