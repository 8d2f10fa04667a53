package isolationtest

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// edgeHeaders are headers like Cache-Control that only caches between client and service read.
var edgeHeaders = []string{"Cdn-Cache-Control", "Cloudflare-Cdn-Cache-Control", "Surrogate-Control"}

var (
	storable   = regexp.MustCompile(`(?i)\b(public|must-revalidate|s-maxage\s*=\s*"?[1-9])`)
	fresh      = regexp.MustCompile(`(?i)\bmax-age\s*=\s*"?[1-9]`)
	unstorable = regexp.MustCompile(`(?i)\b(no-store|private|no-cache)\b`)
)

// cacheable returns the header by which a cache that many clients share may serve an answer
// to others (RFC 9111 section 3.5). Answers that vary with the credential's header are kept
// for its owner.
func (s service) cacheable(a answer) string {
	asks := &http.Request{Header: http.Header{}}
	s.Authorize(asks, "token")
	for name := range strings.SplitSeq(strings.Join(a.header["Vary"], ","), ",") {
		name = http.CanonicalHeaderKey(strings.TrimSpace(name))
		if _, credential := asks.Header[name]; credential || name == "*" {
			return ""
		}
	}
	for _, name := range edgeHeaders {
		if value := strings.Join(a.header[name], ", "); fresh.MatchString(value) && !unstorable.MatchString(value) {
			return name + ": " + value
		}
	}
	if value := strings.Join(a.header["Cache-Control"], ", "); storable.MatchString(value) && !unstorable.MatchString(value) {
		return "Cache-Control: " + value
	}
	return ""
}

// caches reports a tenant's own answer that shared caches may serve to others.
func (k *check) caches(t act, a answer) {
	if a.status != http.StatusOK || len(k.within(1-t.by, a.body)) == 0 {
		return
	}
	if header := k.cacheable(a); header != "" {
		f := k.finding(Leaked, t, a)
		f.Seen = "the header " + header + ", without Vary on the token's header"
		f.Why = "a cache that both organizations' requests pass may serve this to the other one"
		k.pending = append(k.pending, f)
	}
}

var (
	remaining      = regexp.MustCompile(`(?i)^(x-)?rate-?limit(-[a-z]+)?-remaining(-[a-z]+)?$`)
	remainingField = regexp.MustCompile(`\br=(\d+)`) // of the header RateLimit
)

// left returns how many requests an answer's headers say are left.
func left(a answer) map[string]int {
	all := map[string]int{}
	for name, values := range a.header {
		text := values[0]
		if name == "Ratelimit" {
			if found := remainingField.FindStringSubmatch(text); found != nil {
				all[name], _ = strconv.Atoi(found[1])
			}
		} else if n, err := strconv.Atoi(text); err == nil && remaining.MatchString(name) {
			all[name] = n
		}
	}
	return all
}

// burst is how many requests must not count for the other tenant.
const burst = 5

// limits sees whether requests of the other tenant use up a tenant's limit of requests. One
// that requests without a token use up as well is of the sender's address, which both share.
func (k *check) limits(ctx context.Context, t int) error {
	i := slices.IndexFunc(k.Routes, func(r Route) bool { return r.reads() && !k.streamed[r] })
	if i < 0 {
		return nil
	}
	own := act{call{route: k.Routes[i], values: k.own[t].values, token: k.Tenants[t].Token}, t, ownView + " before and after requests of the other"}
	var shared map[string]string
	var last answer
	for range rounds {
		now, a, err := k.usedUp(ctx, own)
		if err != nil {
			return err
		}
		if last = a; shared != nil {
			maps.DeleteFunc(now, func(name string, _ string) bool { return shared[name] == "" })
		}
		if shared = now; len(shared) == 0 {
			return nil
		}
	}
	for _, name := range slices.Sorted(maps.Keys(shared)) {
		f := k.finding(Changed, own, last)
		f.Seen = shared[name]
		f.Why = "requests of one organization use up the other's limit, and tell how many it sends"
		k.add(f)
	}
	return nil
}

// usedUp returns the limits of a tenant that requests of the other use up, and only those.
func (k *check) usedUp(ctx context.Context, own act) (map[string]string, answer, error) {
	other, nobody := own, own
	other.by, other.token, other.values = 1-own.by, k.Tenants[1-own.by].Token, k.own[1-own.by].values
	nobody.token = ""
	var seen []map[string]int
	var a answer
	for _, between := range []*act{nil, nil, &other, &nobody} {
		for n := 0; between != nil && n < burst; n++ {
			if _, err := k.send(ctx, between.call); err != nil {
				return nil, a, err
			}
		}
		var err error
		if a, err = k.ask(ctx, own); err != nil {
			return nil, a, err
		}
		seen = append(seen, left(a))
	}
	all := map[string]string{}
	for name, n := range seen[0] {
		own, others, unknown := n-seen[1][name], seen[1][name]-seen[2][name], seen[2][name]-seen[3][name]
		if own >= 0 && others >= own+burst && unknown < own+burst {
			all[name] = fmt.Sprintf("the header %s says %d, and %d after %d requests of the other organization", name, seen[1][name], seen[2][name], burst)
		}
	}
	return all, a, nil
}
