package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/page"
	"github.com/tabard-auth/tabard/backend/refusal"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/web"
)

// PartEpoch is the part of a replica whose database is not the one that its secret's file
// names.
const PartEpoch = "epoch"

// ReasonRestored is the reason of answers while the database is not served.
const ReasonRestored = "database_restored"

// epochInterval is how often the epoch is read: a restored database is noticed, and one
// that was accepted is served, that much later.
const epochInterval = 5 * time.Second

// Epoch holds requests back from a database that was restored, until a command accepts it.
type Epoch struct {
	Store signingkey.Epochs
	Log   *slog.Logger

	held     atomic.Pointer[HeldError]
	requests *epochRequests // nil where Run checks
}

// HeldError tells why a database is not served, and what to do.
type HeldError struct{ Database, File string }

func (h *HeldError) Error() string {
	if to, moved := signingkey.MovedTo(h.Database); moved {
		return "this database was moved to " + to + " by tabard move; give the server that one as its --database"
	}
	for prefix, text := range held {
		if strings.HasPrefix(h.Database, prefix) {
			return text
		}
	}
	if h.Database == h.File {
		return "the database is a copy of another one (pg_dump, logical replication), which may be older; run: " + accept
	}
	return fmt.Sprintf("the database's epoch is %q and the secret file's is %q: the database was restored, run: %s; or this replica has another secret file, give it the one that the others have",
		h.Database, h.File, accept)
}

const accept = "tabard restore --accept"

// held is what an epoch that no file can have tells.
var held = map[string]string{
	signingkey.EpochOfBackup:  "the database is a backup; run: " + accept,
	signingkey.EpochOfRestore: "the database was restored from a backup; run: " + accept,
}

// Check compares the database's epoch with that of the secret's file and returns a
// [HeldError] where they differ. It keeps what it finds, unless the database fails.
func (e *Epoch) Check(ctx context.Context, file string) error {
	found, err := e.Store.Epoch(ctx, file)
	if err != nil {
		return err
	}
	if found.Value == file && !found.Copied {
		if e.held.Swap(nil) != nil {
			e.Log.Info("the database was accepted and is served")
		}
		return nil
	}
	now := &HeldError{found.Value, file}
	if before := e.held.Swap(now); before == nil || *before != *now {
		e.Log.Error("no request is answered", "cause", now)
	}
	return now
}

// Held returns a [HeldError] where the database was not to be served when it was last
// looked at.
func (e *Epoch) Held() error {
	if held := e.held.Load(); held != nil {
		return held
	}
	return nil
}

// Run calls Check at every interval until ctx ends.
func (e *Epoch) Run(ctx context.Context, file string) {
	ticker := time.NewTicker(epochInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := e.Check(ctx, file)
		if _, held := errors.AsType[*HeldError](err); err != nil && !held && ctx.Err() == nil {
			e.Log.Warn("the database's epoch could not be read; that is tried again", "cause", err)
		}
	}
}

// guard refuses every request but those about health while the database is not served.
func (e *Epoch) guard(base string, secure bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == base+"/healthz" || r.URL.Path == base+"/readyz" {
			next.ServeHTTP(w, r)
			return
		}
		checked, err := e.begin(r.Context())
		defer checked()
		switch {
		case e.held.Load() != nil:
			unavailable := refusal.New(api.TemporarilyUnavailable, "The database was restored. The service resumes when an operator has accepted it.")
			unavailable.Reason, unavailable.RetryAfter = ReasonRestored, int64(epochInterval/time.Second)
			refuse(w, r, secure, unavailable)
		case err != nil:
			unavailable := refusal.New(api.TemporarilyUnavailable, "The database does not answer. Try again.")
			unavailable.RetryAfter = 1
			refuse(w, r, secure, unavailable)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// refuse answers with an error, and a person who navigates with a page.
func refuse(w http.ResponseWriter, r *http.Request, secure bool, unavailable *refusal.Refusal) {
	web.Secure(w.Header(), secure)
	web.RefusalHeaders(w.Header(), unavailable)
	if r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") {
		showUnavailable(w, r, unavailable)
		return
	}
	web.WriteJSON(w, unavailable.HTTPStatus(), unavailable.Body())
}

// showUnavailable answers a person with a page that leads to the same address once more.
func showUnavailable(w http.ResponseWriter, r *http.Request, why *refusal.Refusal) {
	p := page.Page{Kind: page.Unavailable, Status: why.HTTPStatus(), Host: r.Host, Code: string(why.Code), Detail: why.Text}
	if again := r.URL.RequestURI(); !strings.HasPrefix(again, "//") {
		p.Links = []page.Link{{Label: page.Retry, URL: again}}
	}
	page.Write(w, r, p, nil)
}
