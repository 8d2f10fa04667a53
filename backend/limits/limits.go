// Package limits bounds how many requests one network and one session may send to the
// browser's endpoints of a server. Requests beyond are refused by the endpoints
// themselves, in their own form. A Worker has its platform's limits instead.
package limits

import (
	"context"
	"hash/maphash"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"
)

// Most is how many requests there may be in a minute. 0 is without limit.
type Most struct {
	// Refused is how many requests of one network may be refused; those that show a
	// living session count by it alone, so that an office's people do not count together.
	Refused int
	// SignIns is how many sign-ins may begin from one network, and how many may end.
	SignIns int
	// Session is how many requests may show one refresh token.
	Session int
}

// Default is the Worker's limits, too.
var Default = Most{Refused: 1200, SignIns: 120, Session: 300}

const (
	window = 60 // seconds
	// maxCounted bounds the memory: networks beyond it are not counted in this window.
	maxCounted = 50_000
	// maxSessions is how many tokens of a request are counted. A browser has at most twelve.
	maxSessions = 32
)

// sizes are the networks that are counted, with how many times a limit each may have. The
// first is a client's own: of IPv6 a /64. In the others one client can have many of those.
var sizes = [...]struct{ bits4, bits6, times int }{{32, 64, 1}, {0, 48, 10}, {0, 32, 100}}

// The counts of a network.
const (
	begun = iota
	ended
	refused
	foreign // of pages on other sites
	kinds
)

// Limits counts the requests of one minute.
type Limits struct {
	most Most
	seed maphash.Seed
	now  func() time.Time

	mu       sync.Mutex
	minute   int64
	networks [kinds]map[netip.Prefix]int
	sessions map[uint64]int
}

// New returns limits; now nil means time.Now.
func New(most Most, now func() time.Time) *Limits {
	l := &Limits{most: most, seed: maphash.MakeSeed(), now: now, sessions: map[uint64]int{}}
	if now == nil {
		l.now = time.Now
	}
	for i := range l.networks {
		l.networks[i] = map[netip.Prefix]int{}
	}
	return l
}

// Client is the client that a request counts for.
type Client struct {
	// Address is where it came from; the zero address where that is not known, and no
	// network can be limited.
	Address netip.Addr
	// Exempt reports whether none of its requests is limited.
	Exempt bool
}

// Wrap marks the requests that are beyond the limits, see [Exceeded]. Paths are below base.
func (l *Limits) Wrap(base string, client func(*http.Request) Client, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, ours := strings.CutPrefix(r.URL.Path, base)
		first, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
		if !ours || !limited[first] || r.Method == http.MethodOptions {
			next.ServeHTTP(w, r)
			return
		}
		from := client(r)
		if from.Exempt {
			next.ServeHTTP(w, r)
			return
		}
		address, minute := from.Address.Unmap().WithZone(""), l.now().Unix()/window
		switch {
		case foreignPage(r):
			r = l.mark(r, l.exceeds(foreign, l.most.Refused, address, minute))
		case first == "login":
			r = l.mark(r, l.exceeds(begun, l.most.SignIns, address, minute))
		case first == "callback":
			r = l.mark(r, l.exceeds(ended, l.most.SignIns, address, minute))
		default:
			r = l.mark(r, l.standing(r, address, minute))
			own := &answer{ResponseWriter: w}
			next.ServeHTTP(own, r)
			if own.status/100 == 4 && own.status != http.StatusTooManyRequests {
				l.refuse(address, minute)
			}
			return
		}
		next.ServeHTTP(w, r)
	})
}

// limited are the browser's endpoints by their first segment.
var limited = map[string]bool{"login": true, "callback": true, "token": true, "session": true, "sessions": true, "logout": true, "handover": true}

// answer notes the status of an answer.
type answer struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap gives http.ResponseController access to the server's writer.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// contextKey is the context key of how long to wait.
type contextKey struct{}

func (l *Limits) mark(r *http.Request, exceeded bool) *http.Request {
	if !exceeded {
		return r
	}
	wait := window - l.now().Unix()%window
	return r.WithContext(context.WithValue(r.Context(), contextKey{}, wait))
}

// Exceeded returns after how many seconds a request that is beyond a limit may be sent
// again, or 0.
func Exceeded(ctx context.Context) int64 {
	wait, _ := ctx.Value(contextKey{}).(int64)
	return wait
}

// foreignPage reports whether a page on another site sent the request, other than by
// leading its person here. The endpoints refuse such requests. They have a share of their
// own, so that a page that somebody visits uses up nothing of their network's.
func foreignPage(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Site") == "cross-site" &&
		(r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document")
}

// exceeds counts a request of a kind.
func (l *Limits) exceeds(kind, most int, address netip.Addr, minute int64) (exceeded bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(minute)
	exceeded = l.beyond(kind, most, address)
	if !exceeded {
		l.add(kind, address)
	}
	return exceeded
}

// standing counts the tokens that a request shows, and looks at the refusals of its
// network.
func (l *Limits) standing(r *http.Request, address netip.Addr, minute int64) (exceeded bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(minute)
	exceeded = l.beyond(refused, l.most.Refused, address)
	if l.most.Session == 0 {
		return exceeded
	}
	counted := 0
	for _, c := range r.Cookies() {
		if !strings.HasPrefix(c.Name, "__Host-Http-tabard.") || counted == maxSessions {
			continue
		}
		counted++
		// The whole token counts: a client without it cannot use its session's limit up.
		key := maphash.String(l.seed, c.Value)
		if n, known := l.sessions[key]; known || len(l.sessions) < maxCounted {
			l.sessions[key] = n + 1
			exceeded = exceeded || n >= l.most.Session
		}
	}
	return exceeded
}

func (l *Limits) refuse(address netip.Addr, minute int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(minute)
	l.add(refused, address)
}

// turn begins a window.
func (l *Limits) turn(minute int64) {
	if minute == l.minute {
		return
	}
	l.minute = minute
	clear(l.sessions)
	for _, n := range l.networks {
		clear(n)
	}
}

func (l *Limits) beyond(kind, most int, address netip.Addr) bool {
	if most == 0 {
		return false
	}
	for i, size := range sizes {
		if n, ok := network(address, i); ok && l.networks[kind][n] >= most*size.times {
			return true
		}
	}
	return false
}

func (l *Limits) add(kind int, address netip.Addr) {
	count := l.networks[kind]
	for i := len(sizes) - 1; i >= 0; i-- { // the widest have their place first
		n, ok := network(address, i)
		if _, known := count[n]; ok && (known || len(count) < maxCounted) {
			count[n]++
		}
	}
}

// network returns the network of an address of the i-th size, if there is one.
func network(address netip.Addr, i int) (netip.Prefix, bool) {
	bits := sizes[i].bits4
	if address.Is6() {
		bits = sizes[i].bits6
	}
	if !address.IsValid() || bits == 0 {
		return netip.Prefix{}, false
	}
	n, err := address.Prefix(bits)
	return n, err == nil
}
