package notes

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/resource"
	"github.com/tabard-auth/tabard/backend/token"
)

// Permissions that an access token carries.
const (
	Read   = "notes:read"
	Write  = "notes:write"
	Delete = "notes:delete"
)

// Limits of a request.
const (
	maxBody = 4 << 10
	maxText = 500 // characters
)

type handler struct {
	guard *resource.Guard
	book  *Book
}

// NewHandler serves the notes below /api/organizations/{organization}/notes,
// where {organization} is the id or the slug.
func NewHandler(guard *resource.Guard, book *Book) http.Handler {
	h := &handler{guard, book}
	mux := http.NewServeMux()
	for _, route := range h.routes() {
		mux.Handle(route.pattern, h.permit(route.demand, route.action))
	}
	return mux
}

// SecondFactor is the authentication context class that an export takes.
const SecondFactor = "urn:tabard:mfa"

// route is a pattern of http.ServeMux with what it demands and its action.
type route struct {
	pattern string
	demand  token.Demand
	action  action
}

func (h *handler) routes() []route {
	permitted := func(permission string) token.Demand { return token.Demand{Permissions: []string{permission}} }
	return []route{
		{"GET /api/organizations/{organization}/notes", permitted(Read), h.list},
		{"POST /api/organizations/{organization}/notes", permitted(Write), h.add},
		{"DELETE /api/organizations/{organization}/notes/{id}", permitted(Delete), h.delete},
		{"GET /api/organizations/{organization}/notes/export", token.Demand{Permissions: []string{Read}, ACR: []string{SecondFactor}}, h.list},
	}
}

// Patterns returns the API's routes, for tests that try all of them.
func Patterns() []string {
	var all []string
	for _, route := range (*handler)(nil).routes() {
		all = append(all, route.pattern)
	}
	return all
}

// action handles a request whose token serves the organization of the path.
type action func(w http.ResponseWriter, r *http.Request, claims *token.Claims)

// permit checks the token, then its organization against the path's, then the demand.
// The order matters: a request for another organization learns no permission in it.
func (h *handler) permit(demand token.Demand, next action) http.Handler {
	rule := resource.Rule{
		Organization: "organization", Demand: demand,
		Refuse: func(w http.ResponseWriter, _ *http.Request, err error) { refuse(w, guardRefusal(err)) },
	}
	return h.guard.Protect(rule, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		next(w, r, resource.ClaimsFrom(r.Context()))
	}))
}

func (h *handler) list(w http.ResponseWriter, r *http.Request, claims *token.Claims) {
	notes, err := h.book.List(r.Context(), claims.OrganizationID)
	if err != nil {
		refuse(w, bookRefusal(err))
		return
	}
	writeJSON(w, http.StatusOK, map[string]any{"organization": claims.OrganizationID, "notes": notes})
}

func (h *handler) add(w http.ResponseWriter, r *http.Request, claims *token.Claims) {
	text, err := readText(w, r)
	if err != nil {
		refuse(w, refusal{http.StatusBadRequest, api.InvalidRequest, err.Error(), "", 0})
		return
	}
	note, err := h.book.Add(r.Context(), claims.OrganizationID, claims.Subject, text, time.Now())
	if err != nil {
		refuse(w, bookRefusal(err))
		return
	}
	writeJSON(w, http.StatusCreated, note)
}

func (h *handler) delete(w http.ResponseWriter, r *http.Request, claims *token.Claims) {
	if err := h.book.Delete(r.Context(), claims.OrganizationID, r.PathValue("id")); err != nil {
		refuse(w, bookRefusal(err))
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// readText reads {"text": …} and refuses everything else.
func readText(w http.ResponseWriter, r *http.Request) (string, error) {
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/json" {
		return "", errors.New("the body must be application/json")
	}
	decoder := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	decoder.DisallowUnknownFields()
	var body struct {
		Text string `json:"text"`
	}
	if err := decoder.Decode(&body); err != nil {
		return "", errors.New(`the body must be {"text": …}, at most 4 KiB, and nothing else`)
	}
	if _, err := decoder.Token(); err != io.EOF {
		return "", errors.New("something follows the body's one JSON object")
	}
	text := strings.TrimSpace(body.Text)
	if n := utf8.RuneCountInString(text); n == 0 || n > maxText {
		return "", errors.New("text must have 1 to 500 characters")
	}
	return text, nil
}
