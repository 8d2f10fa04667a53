package trace_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tabard-auth/tabard/backend/trace"
)

// seen is what became of a request.
type seen struct {
	answered string // the id
	provider string // the traceparent that a provider received
	Client   string
	Duration float64 `json:"duration_ms"`
	ID       string  `json:"request_id"`
	Trace    string  `json:"trace_id"`
}

// pass lets a request that takes some time pass, during which a provider is asked.
func pass(t *testing.T, header http.Header, took time.Duration) (s seen) {
	t.Helper()
	provider := trace.Transport(transport(func(r *http.Request) { s.provider = r.Header.Get("Traceparent") }))
	var text strings.Builder
	log := slog.New(trace.Log(slog.NewJSONHandler(&text, nil)))
	handler := trace.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		ask, _ := http.NewRequestWithContext(r.Context(), http.MethodGet, "https://id.example.com/", nil)
		provider.RoundTrip(ask)
		time.Sleep(took)
		log.InfoContext(r.Context(), "request")
	}))
	w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/token", nil)
	r.Header = header
	handler.ServeHTTP(w, r)
	if err := json.Unmarshal([]byte(text.String()), &s); err != nil {
		t.Fatal(err)
	}
	s.answered = w.Header().Get("X-Request-Id")
	return s
}

type transport func(*http.Request)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) {
	f(r)
	return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, nil
}

var generated = regexp.MustCompile(`^[0-9a-f]{32}$`)

func TestHandler_RequestID(t *testing.T) {
	for id, kept := range map[string]bool{
		"7b2f1a90c0ffee":                           true,
		"0190b3c1-5e2c-7a3e-9d58-1f0ad3b6c111":     true,
		"Root=1-67891233-abcdef012345678912345678": true,
		"cHJveHk=/+":                               true,
		strings.Repeat("a", 128):                   true,
		strings.Repeat("a", 129):                   false,
		"":                                         false,
		"two words":                                false,
		`"},{"level":"ERROR"`:                      false,
		"ünicode":                                  false,
		"a\tb":                                     false,
		"<script>":                                 false,
	} {
		got := pass(t, http.Header{"X-Request-Id": {id}}, 0)
		if got.ID != got.answered || (got.ID == id) != kept || !kept && !generated.MatchString(got.ID) {
			t.Errorf("%q: answered %q, logged %q", id, got.answered, got.ID)
		}
	}
	first, second := pass(t, nil, 0), pass(t, nil, 0)
	if first.ID == second.ID || !generated.MatchString(first.ID) {
		t.Errorf("%q, %q", first.ID, second.ID)
	}
	if got := pass(t, http.Header{"X-Request-Id": {"one", "two"}}, 0); !generated.MatchString(got.ID) {
		t.Errorf("two ids: %q", got.ID)
	}
}

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
)

func TestHandler_TraceParent(t *testing.T) {
	onward := regexp.MustCompile(`^00-([0-9a-f]{32})-([0-9a-f]{16})-0[01]$`)
	for _, test := range []struct {
		header []string
		flags  string // that a provider gets; "" is of a new trace
	}{
		{[]string{"00-" + traceID + "-" + spanID + "-01"}, "01"},
		{[]string{"00-" + traceID + "-" + spanID + "-00"}, "00"},
		{[]string{"00-" + traceID + "-" + spanID + "-ff"}, "01"},
		{[]string{"01-" + traceID + "-" + spanID + "-01"}, "01"},
		{[]string{"cc-" + traceID + "-" + spanID + "-01-what-comes-later"}, "01"},
		{nil, ""},
		{[]string{""}, ""},
		{[]string{"00-" + traceID + "-" + spanID + "-01-more"}, ""},
		{[]string{"ff-" + traceID + "-" + spanID + "-01"}, ""},
		{[]string{"00-" + strings.ToUpper(traceID) + "-" + spanID + "-01"}, ""},
		{[]string{"00-" + strings.Repeat("0", 32) + "-" + spanID + "-01"}, ""},
		{[]string{"00-" + traceID + "-" + strings.Repeat("0", 16) + "-01"}, ""},
		{[]string{"00-" + traceID[1:] + "-" + spanID + "-01"}, ""},
		{[]string{"00-" + traceID + "-" + spanID}, ""},
		{[]string{"00-" + traceID + "-" + spanID + "-1"}, ""},
		{[]string{"cc-" + traceID + "-" + spanID + "-01x"}, ""},
		{[]string{"00-" + traceID + "-" + spanID + "-01", "00-" + traceID + "-" + spanID + "-01"}, ""},
	} {
		got := pass(t, http.Header{"Traceparent": test.header, "Tracestate": {"vendor=secret"}}, 0)
		to := onward.FindStringSubmatch(got.provider)
		switch kept := test.flags != ""; {
		case to == nil || to[1] != got.Trace || to[2] == spanID || strings.Trim(to[2], "0") == "":
			t.Errorf("%q: the provider received %q, the log says %q", test.header, got.provider, got.Trace)
		case kept != (got.Trace == traceID) || !generated.MatchString(got.Trace):
			t.Errorf("%q: the trace is %q", test.header, got.Trace)
		case kept && !strings.HasSuffix(got.provider, "-"+test.flags):
			t.Errorf("%q: the provider received %q", test.header, got.provider)
		}
	}
}

func TestLog_ClientAndDuration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if got := pass(t, nil, 1500*time.Microsecond); got.Client != "192.0.2.1" || got.Duration != 1.5 {
			t.Errorf("%+v", got)
		}
	})
}

// TestTransport_WithoutARequest asks a provider on the server's own account.
func TestTransport_WithoutARequest(t *testing.T) {
	asked := false
	r := httptest.NewRequest(http.MethodGet, "https://id.example.com/", nil)
	trace.Transport(transport(func(r *http.Request) { asked = r.Header.Get("Traceparent") == "" })).RoundTrip(r)
	if !asked {
		t.Error("a trace was made up")
	}
}
