package isolationtest

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// Limits of following links.
const (
	maxLinks   = 60  // of one tenant
	maxFollows = 120 // of one tenant's at the end
)

// links are the addresses and cursors that a tenant's own answers name.
type links struct {
	addresses []string
	places    []place
	seen      map[string]bool
}

// place is a cursor, and the list that it continues.
type place struct{ list, name, cursor string }

func newLinks() *links { return &links{seen: map[string]bool{}} }

var (
	addressIn  = regexp.MustCompile(`(?:^|["'(<=\s])((?:https?://[^/"'<>\s\\)]+)?/[^"'<>\s\\)]{1,500})`)
	cursorName = regexp.MustCompile(`(?i)(cursor|page_?token|continuation|next_?(token|page|key)?|after)$`)
	endsThings = regexp.MustCompile(`(?i)log-?out|sign-?out|delete|remove|destroy|unsubscribe`)
)

// add adds what an answer names.
func (l *links) add(s service, from string, a answer) {
	if from == "" && len(a.named) > 0 {
		from = a.named[0]
	}
	texts := []string{a.body}
	for _, name := range []string{"Location", "Link", "Content-Location"} {
		texts = append(texts, a.header[name]...)
	}
	for _, text := range texts {
		if !strings.Contains(text, "/") {
			continue
		}
		text = strings.ReplaceAll(strings.ReplaceAll(text, `\/`, "/"), `\u0026`, "&")
		for _, match := range addressIn.FindAllStringSubmatch(text, -1) {
			to, ok := s.own(from, strings.TrimRight(match[1], ".,;>"))
			if ok && to != from && !l.seen[to] && len(l.addresses) < maxLinks && !endsThings.MatchString(to) && !strings.HasPrefix(match[1], "//") {
				l.seen[to] = true
				l.addresses = append(l.addresses, to)
			}
		}
	}
	var value any
	if json.Unmarshal([]byte(a.body), &value) == nil {
		l.cursors(from, value)
	}
}

// cursors adds the cursors of an answer.
func (l *links) cursors(list string, value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			text := ""
			switch member := member.(type) {
			case string:
				text = member
			case float64:
				text = fmt.Sprint(member)
			}
			if text != "" && cursorName.MatchString(name) && !strings.Contains(text, "/") && !l.seen[list+text] && len(l.places) < maxLinks {
				l.seen[list+text] = true
				l.places = append(l.places, place{list, name, text})
				continue
			}
			l.cursors(list, member)
		}
	case []any:
		for _, member := range value {
			l.cursors(list, member)
		}
	}
}

// pages returns the addresses of the pages that a cursor may lead to.
func (p place) pages() (all []string) {
	list, err := url.Parse(p.list)
	if err != nil {
		return nil
	}
	query := list.Query()
	for _, name := range []string{p.name, strings.TrimPrefix(p.name, "next_"), "cursor", "after", "page_token", "pageToken", "next", "starting_after", "continuation"} {
		query.Set(name, p.cursor)
	}
	list.RawQuery = query.Encode()
	all = append(all, list.String())
	for _, name := range []string{p.name, "cursor", "after"} { // for services that refuse unknown names
		list.RawQuery = url.Values{name: {p.cursor}}.Encode()
		all = append(all, list.String())
	}
	return all
}

// visit reads an address and looks for the other tenant's secrets.
func (k *check) visit(ctx context.Context, by int, address, attempt string) error {
	t := act{call{token: k.Tenants[by].Token}, by, attempt}
	a, err := k.get(ctx, address, t.token)
	if err != nil {
		return err
	}
	t.route = k.routeOf(a)
	k.report.Attempts++
	k.named(by, a.named...)
	k.scan(t, a)
	all, err := k.follow(ctx, address, a, t.token)
	for _, next := range all {
		t.route = k.routeOf(next)
		k.scan(t, next)
	}
	if a.good() && strings.HasPrefix(attempt, "its own") {
		k.links[by].add(k.service, address, a)
	}
	return err
}

// routeOf returns the route that an answer to GET is of. An address that none has is one of
// itself, without its query and ids.
func (k *check) routeOf(a answer) Route {
	to, err := url.Parse(a.named[0])
	if err != nil {
		return Route{Method: "GET", Path: a.named[0]}
	}
	segments := strings.Split(to.EscapedPath(), "/")
	for _, route := range k.Routes {
		path, _, _ := strings.Cut(route.Path, "?")
		parts := strings.Split(path, "/")
		if route.Method == "GET" && slices.EqualFunc(parts, segments, func(part, segment string) bool {
			return part == segment || strings.HasPrefix(part, "{") && segment != ""
		}) {
			return route
		}
	}
	for i, segment := range segments {
		if k.ids[strings.ToLower(longestWord(segment))] != nil || aNumber.MatchString(segment) {
			segments[i] = "{id}"
		}
	}
	return Route{Method: "GET", Path: strings.Join(segments, "/")}
}

// ownLinks follows a tenant's own links and cursors: next pages, downloads, jobs.
func (k *check) ownLinks(ctx context.Context, by int) error {
	l := k.links[by]
	for i := 0; i < len(l.addresses) && i < maxFollows; i++ {
		if err := k.visit(ctx, by, l.addresses[i], "its own link"); err != nil {
			return err
		}
	}
	for i := 0; i < len(l.places) && i < maxFollows; i++ {
		for _, page := range l.places[i].pages() {
			if err := k.visit(ctx, by, page, "its own cursor"); err != nil {
				return err
			}
		}
	}
	k.flush()
	return nil
}

// foreignLinks uses the other tenant's cursors, and its links, also below the sender's
// organization.
func (k *check) foreignLinks(ctx context.Context, by, of int) error {
	if err := k.ownLinks(ctx, of); err != nil {
		return err
	}
	for _, address := range k.links[of].addresses {
		if secret, err := k.isSecret(ctx, address); err != nil {
			return err
		} else if secret {
			continue
		}
		for _, to := range k.spellings(address, by, of) {
			if err := k.visit(ctx, by, to, "the other's link"); err != nil {
				return err
			}
		}
	}
	for _, p := range k.links[of].places {
		if own, ok := k.ownList(p.list, by, of); ok {
			for _, page := range (place{own, p.name, p.cursor}).pages() {
				if err := k.visit(ctx, by, page, "the other's cursor"); err != nil {
					return err
				}
			}
		}
	}
	k.flush()
	return nil
}

// spellings returns a link of another tenant's, and, where its path names that tenant's
// organization, the same below the sender's.
func (k *check) spellings(address string, by, of int) []string {
	path, query, found := strings.Cut(address, "?")
	own := strings.ReplaceAll(path, k.Tenants[of].Organization, k.Tenants[by].Organization)
	if own == path {
		return []string{address}
	}
	if found {
		own += "?" + query
	}
	return []string{address, own}
}

// isSecret reports whether a link is for its bearer, as one with a signature is: it cannot
// be guessed, and is served without a token.
func (k *check) isSecret(ctx context.Context, address string) (bool, error) {
	if k.guessable(address) {
		return false, nil
	}
	a, err := k.get(ctx, address, "")
	return a.good(), err
}

// ownList returns a list's address with the sender's organization.
func (k *check) ownList(list string, by, of int) (string, bool) {
	for _, r := range k.made[of] {
		for name, id := range r.values {
			if name != k.OrganizationParam && len(id) > 3 && strings.Contains(list, id) {
				return "", false
			}
		}
	}
	return strings.ReplaceAll(list, k.Tenants[of].Organization, k.Tenants[by].Organization), true
}

var secretName = regexp.MustCompile(`(?i)sig|token|hmac|secret|key|expires|x-amz|hash|code`)

// guessable reports whether an address has nothing that only its owner could know:
// known ids, words and short numbers.
func (k *check) guessable(address string) bool {
	to, err := url.Parse(address)
	if err != nil {
		return false
	}
	parts := strings.Split(to.Path, "/")
	for name, values := range to.Query() {
		if secretName.MatchString(name) {
			return false
		}
		parts = append(parts, values...)
	}
	for _, part := range parts {
		inner, err := base64.RawURLEncoding.DecodeString(part)
		if distinctive(part) && k.ids[strings.ToLower(longestWord(part))] == nil && (err != nil || !readable(inner)) && !strings.HasPrefix(part, "org") {
			return false
		}
	}
	return true
}

// settled reads both tenants' views and links once more, after what the service does
// later.
func (k *check) settled(ctx context.Context) error {
	for _, route := range k.Routes {
		if !route.reads() {
			if err := wait(ctx, k.Settle); err != nil {
				return err
			}
			break
		}
	}
	for t := range k.Tenants {
		if err := k.look(ctx, t, k.own[t].values, ", later"); err != nil {
			return err
		}
		if err := k.ownLinks(ctx, t); err != nil {
			return err
		}
	}
	return nil
}
