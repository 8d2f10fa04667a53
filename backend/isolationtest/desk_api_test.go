package isolationtest_test

import (
	"archive/zip"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf16"
)

// desk is a help desk's API, in styles that the other samples do not have, with the leak that
// it names, or none.
type desk struct {
	leak string
	mux  *http.ServeMux

	mu       sync.Mutex
	made     int
	tickets  []*deskTicket
	webhooks map[string]*deskWebhook
	files    map[string]string
	answers  map[string][]byte // by idempotency key
	requests map[string]int    // in this minute
}

type deskTicket struct {
	of, id, title     string
	deleted, archived bool
}

type deskWebhook struct {
	of         string
	deliveries []string
}

func newDesk(leak string) http.Handler {
	d := &desk{
		leak: leak, mux: http.NewServeMux(), webhooks: map[string]*deskWebhook{}, files: map[string]string{},
		answers: map[string][]byte{}, requests: map[string]int{},
	}
	for pattern, serve := range map[string]func(w http.ResponseWriter, r *http.Request, of string){
		"POST /tickets": d.create, "GET /tickets": d.list, "GET /tickets/{ticket}": d.read, "DELETE /tickets/{ticket}": d.setDeleted,
		"POST /tickets/{ticket}/restore": d.setDeleted, "GET /trash": d.trash, "POST /tickets/archive": d.archive, "POST /graphql": d.graphQL,
		"GET /events": d.events, "GET /export.zip": d.zip, "GET /tickets.csv": d.csv, "GET /suggest": d.suggest,
		"POST /webhooks": d.hook, "GET /webhooks/{webhook}/deliveries": d.deliveries, "GET /dashboard": d.dashboard,
		"POST /uploads": d.upload, "GET /files/{file}": d.file, "POST /batch": d.batch,
	} {
		d.mux.HandleFunc(pattern, d.signedIn(serve))
	}
	return d.mux
}

func (d *desk) is(leak string) bool { return leak != "" && d.leak == leak }

// signedIn tells a route's handler the organization, and counts the organization's requests.
func (d *desk) signedIn(serve func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		of, known := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer token-of-")
		known = known && (of == "org_a" || of == "org_b")
		if known || d.is(limitByAddress) {
			w.Header().Set("X-RateLimit-Remaining", fmt.Sprint(d.left(of)))
		}
		if !known {
			http.Error(w, "sign in", http.StatusUnauthorized)
			return
		}
		w.Header().Set("Cache-Control", "private, no-cache")
		serve(w, r, of)
	}
}

// limitByAddress is no leak: both organizations' requests come from one address.
const limitByAddress = "one limit of requests for an address"

// left counts a request, and returns how many the organization has left.
func (d *desk) left(of string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.is("one limit of requests for everybody") || d.is(limitByAddress) {
		of = ""
	}
	d.requests[of]++
	return 1_000_000 - d.requests[of]
}

// of returns the tickets of an organization, or everybody's where the API has a leak.
func (d *desk) of(organization, leak string, deleted bool) (tickets []*deskTicket) {
	for _, t := range d.tickets {
		if (t.of == organization || d.is(leak)) && t.deleted == deleted {
			tickets = append(tickets, t)
		}
	}
	return tickets
}

func (d *desk) find(organization, id, leak string) *deskTicket {
	for _, t := range d.tickets {
		if t.id == id && (t.of == organization || d.is(leak)) {
			return t
		}
	}
	return nil
}

func (t *deskTicket) shown() map[string]any {
	node := base64.StdEncoding.EncodeToString([]byte("Ticket:" + t.id))
	return map[string]any{"id": t.id, "node_id": node, "title": t.title, "archived": t.archived}
}

func shownAll(tickets []*deskTicket) []map[string]any {
	all := make([]map[string]any, 0, len(tickets))
	for _, t := range tickets {
		all = append(all, t.shown())
	}
	return all
}

func respond(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(value)
}

func read[T any](r *http.Request) (value T) {
	json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&value)
	return value
}

func (d *desk) id(kind string) string {
	d.made++
	return fmt.Sprintf("%s_%x%04d", kind, time.Now().UnixNano(), d.made)
}

func (d *desk) create(w http.ResponseWriter, r *http.Request, of string) {
	title := read[struct{ Title string }](r).Title
	d.mu.Lock()
	defer d.mu.Unlock()
	key := r.Header.Get("Idempotency-Key")
	if !d.is("a repeated request is known by its key alone") {
		key = of + " " + key
	}
	if before, repeated := d.answers[key]; repeated && r.Header.Get("Idempotency-Key") != "" {
		w.WriteHeader(http.StatusCreated)
		w.Write(before)
		return
	}
	t := &deskTicket{of: of, id: d.id("tic"), title: title}
	d.tickets = append(d.tickets, t)
	d.answers[key], _ = json.Marshal(t.shown())
	for _, hook := range d.webhooks {
		if hook.of == of || d.is("events go to everybody's webhooks") {
			time.AfterFunc(50*time.Millisecond, func() { d.deliver(hook, "ticket.created "+t.title) })
		}
	}
	respond(w, http.StatusCreated, t.shown())
}

func (d *desk) deliver(hook *deskWebhook, event string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	hook.deliveries = append(hook.deliveries, event)
}

type deskCursor struct {
	Organization string `json:"t"`
	After        int    `json:"n"`
}

func (d *desk) list(w http.ResponseWriter, r *http.Request, of string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	cursor := deskCursor{Organization: of}
	if sent := r.URL.Query().Get("cursor"); sent != "" {
		text, _ := base64.RawURLEncoding.DecodeString(sent)
		if json.Unmarshal(text, &cursor) != nil || cursor.After < 0 || cursor.Organization != of && !d.is("a cursor holds the organization") {
			respond(w, http.StatusBadRequest, map[string]string{"error": "invalid cursor"})
			return
		}
	}
	items := d.of(cursor.Organization, "", false)
	next, _ := json.Marshal(deskCursor{cursor.Organization, len(items)})
	if cursor.After >= len(items) && cursor.After > 0 {
		cursor.After = max(0, len(items)-1) // the page shows what came last
	}
	respond(w, http.StatusOK, map[string]any{"items": shownAll(items[cursor.After:]), "next_cursor": base64.RawURLEncoding.EncodeToString(next)})
}

func (d *desk) one(w http.ResponseWriter, t *deskTicket) {
	if t == nil {
		respond(w, http.StatusNotFound, map[string]string{"error": "not found"})
		return
	}
	respond(w, http.StatusOK, t.shown())
}

func (d *desk) read(w http.ResponseWriter, r *http.Request, of string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.find(of, r.PathValue("ticket"), "")
	if t != nil && t.deleted {
		t = nil
	}
	d.one(w, t)
}

func (d *desk) setDeleted(w http.ResponseWriter, r *http.Request, of string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.find(of, r.PathValue("ticket"), "")
	if t != nil {
		t.deleted = r.Method == http.MethodDelete
	}
	d.one(w, t)
}

func (d *desk) trash(w http.ResponseWriter, _ *http.Request, of string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	respond(w, http.StatusOK, map[string]any{"items": shownAll(d.of(of, "the trash is everybody's", true))})
}

func (d *desk) archive(w http.ResponseWriter, r *http.Request, of string) {
	ids := read[struct{ IDs []string }](r).IDs
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range ids {
		if t := d.find(of, id, "a bulk change takes any id"); t != nil {
			t.archived = true
		}
	}
	respond(w, http.StatusAccepted, map[string]int{"accepted": len(ids)})
}

func (d *desk) graphQL(w http.ResponseWriter, r *http.Request, of string) {
	id := read[struct{ Variables struct{ ID string } }](r).Variables.ID
	text, _ := base64.StdEncoding.DecodeString(id)
	d.mu.Lock()
	defer d.mu.Unlock()
	var node any
	if t := d.find(of, strings.TrimPrefix(string(text), "Ticket:"), "a node is found by its id alone"); t != nil && !t.deleted {
		node = map[string]string{"id": id, "title": t.title}
	}
	respond(w, http.StatusOK, map[string]any{"data": map[string]any{"node": node}})
}

// events is a stream of what is made from now on, which lasts until its reader leaves.
func (d *desk) events(w http.ResponseWriter, r *http.Request, of string) {
	w.Header().Set("Content-Type", "text/event-stream")
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	d.mu.Lock()
	sent := len(d.tickets)
	d.mu.Unlock()
	for {
		d.mu.Lock()
		for ; sent < len(d.tickets); sent++ {
			if t := d.tickets[sent]; t.of == of || d.is("a stream has everybody's events") {
				fmt.Fprintf(w, "event: ticket\ndata: {\"title\": %q}\n\n", t.title)
			}
		}
		d.mu.Unlock()
		http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
	}
}

func (d *desk) zip(w http.ResponseWriter, _ *http.Request, of string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	w.Header().Set("Content-Type", "application/zip")
	archive := zip.NewWriter(w)
	for _, t := range d.of(of, "an archive has everybody's files", false) {
		if entry, err := archive.Create("tickets/" + t.title + ".txt"); err == nil {
			io.WriteString(entry, "archived: "+fmt.Sprint(t.archived))
		}
	}
	archive.Close()
}

// csv is for spreadsheets: UTF-16 with a mark of its order.
func (d *desk) csv(w http.ResponseWriter, _ *http.Request, of string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	text := "\uFEFFtitle,archived\r\n"
	for _, t := range d.of(of, "a spreadsheet has everybody's rows", false) {
		text += fmt.Sprintf("%s,%t\r\n", t.title, t.archived)
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-16le")
	binary.Write(w, binary.LittleEndian, utf16.Encode([]rune(text)))
}

func (d *desk) suggest(w http.ResponseWriter, r *http.Request, of string) {
	typed := r.URL.Query().Get("q")
	d.mu.Lock()
	defer d.mu.Unlock()
	found := []string{}
	for _, t := range d.of(of, "suggestions are everybody's", false) {
		if len(typed) >= 3 && strings.HasPrefix(t.title, typed) {
			found = append(found, t.title)
		}
	}
	slices.Sort(found)
	respond(w, http.StatusOK, map[string]any{"suggestions": found[:min(5, len(found))]})
}

func (d *desk) hook(w http.ResponseWriter, r *http.Request, of string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id := d.id("hok")
	d.webhooks[id] = &deskWebhook{of: of}
	respond(w, http.StatusCreated, map[string]string{"id": id, "url": read[struct{ URL string }](r).URL})
}

func (d *desk) deliveries(w http.ResponseWriter, r *http.Request, of string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	hook := d.webhooks[r.PathValue("webhook")]
	if hook == nil || hook.of != of {
		respond(w, http.StatusNotFound, map[string]string{"error": "not found"})
		return
	}
	respond(w, http.StatusOK, map[string]any{"deliveries": hook.deliveries})
}

func (d *desk) dashboard(w http.ResponseWriter, _ *http.Request, of string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.is("shared caches may keep the dashboard") {
		w.Header().Set("Cache-Control", "public, max-age=60")
	}
	respond(w, http.StatusOK, map[string]any{"latest": shownAll(d.of(of, "", false))})
}

// upload keeps a file by its name, which is the organization's own.
func (d *desk) upload(w http.ResponseWriter, r *http.Request, of string) {
	file := read[struct{ Name, Text string }](r)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.files[d.place(of, file.Name)] = file.Text
	respond(w, http.StatusCreated, map[string]string{"name": file.Name})
}

func (d *desk) place(of, name string) string {
	if d.is("files of one name share a place") {
		return name
	}
	return of + "/" + name
}

func (d *desk) file(w http.ResponseWriter, r *http.Request, of string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	text, found := d.files[d.place(of, r.PathValue("file"))]
	if !found {
		respond(w, http.StatusNotFound, map[string]string{"error": "not found"})
		return
	}
	io.WriteString(w, text)
}

// batch answers several reads in one response.
func (d *desk) batch(w http.ResponseWriter, r *http.Request, of string) {
	requests := read[struct{ Requests []struct{ Path string } }](r).Requests
	d.mu.Lock()
	defer d.mu.Unlock()
	responses := []any{}
	for _, asked := range requests {
		t := d.find(of, strings.TrimPrefix(asked.Path, "/tickets/"), "a batch's requests are not checked")
		if t == nil || t.deleted {
			responses = append(responses, map[string]int{"status": 404})
			continue
		}
		responses = append(responses, map[string]any{"status": 200, "body": t.shown()})
	}
	respond(w, http.StatusOK, map[string]any{"responses": responses})
}
