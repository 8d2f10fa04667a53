package serverapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/host"
)

// interrupted is a store whose client leaves while a list is read.
type interrupted struct {
	host.Store
	leave context.CancelFunc
}

func (s *interrupted) Organizations(ctx context.Context, after string, limit int) ([]directory.OrganizationRecord, error) {
	s.leave()
	return nil, errors.New("interrupted (9)")
}

func TestLog_ClientLeft(t *testing.T) {
	store := &interrupted{}
	w := newBackend(t, func(s host.Store) host.Store { store.Store = s; return store })
	backend := w.Hosts["localhost:8080"]
	w.Hosts["localhost:8080"] = http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithCancel(r.Context())
		defer cancel()
		store.leave = cancel
		backend.ServeHTTP(rw, r.WithContext(ctx))
	})
	w.Hosts["localhost:8080"].ServeHTTP(httptest.NewRecorder(), w.request(http.MethodGet, "/organizations", "", w.whole))
	log := strings.TrimSpace(w.Logged.String())
	if last := log[strings.LastIndex(log, "\n")+1:]; !strings.Contains(last, `"status":499`) || !strings.Contains(last, `"level":"INFO"`) {
		t.Errorf("the log says %s", last)
	}
}
