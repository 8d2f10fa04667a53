package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestOnlyOperatorsSeeHowTheServerIsDoing(t *testing.T) {
	const by = "X-Forwarded-For"
	for name, c := range map[string]struct {
		networks, trusted, sender string
		header                    http.Header
		want                      int
	}{
		"from this machine":                           {sender: "127.0.0.1:1", want: http.StatusOK},
		"from this machine, by IPv6":                  {sender: "[::1]:1", want: http.StatusOK},
		"from this machine, mapped":                   {sender: "[::ffff:127.0.0.1]:1", want: http.StatusOK},
		"from anywhere else":                          {sender: "203.0.113.9:1", want: http.StatusNotFound},
		"from a private network that is not named":    {sender: "10.0.0.9:1", want: http.StatusNotFound},
		"from a network that is named":                {networks: "10.0.0.0/8", sender: "10.0.0.9:1", want: http.StatusOK},
		"from beside it":                              {networks: "10.0.0.0/8", sender: "11.0.0.9:1", want: http.StatusNotFound},
		"by a proxy here, of nobody's trust":          {sender: "127.0.0.1:1", header: http.Header{by: {"203.0.113.9"}}, want: http.StatusNotFound},
		"by such a proxy, named otherwise":            {sender: "127.0.0.1:1", header: http.Header{"Forwarded": {"for=203.0.113.9"}}, want: http.StatusNotFound},
		"by a proxy in the network":                   {networks: "10.0.0.0/8", sender: "10.0.0.9:1", header: http.Header{by: {"203.0.113.9"}}, want: http.StatusNotFound},
		"by a trusted proxy":                          {trusted: "127.0.0.1", sender: "127.0.0.1:1", header: http.Header{by: {"203.0.113.9"}}, want: http.StatusNotFound},
		"by a trusted proxy, as if from this machine": {trusted: "127.0.0.1", sender: "127.0.0.1:1", header: http.Header{by: {"127.0.0.1"}}, want: http.StatusNotFound},
		"by a trusted proxy, from the network":        {networks: "10.0.0.0/8", trusted: "127.0.0.1", sender: "127.0.0.1:1", header: http.Header{by: {"10.0.0.9"}}, want: http.StatusOK},
		"by a trusted proxy, from a network of one's own making": {
			networks: "10.0.0.0/8", trusted: "127.0.0.1", sender: "127.0.0.1:1", header: http.Header{by: {"10.0.0.9, 203.0.113.9"}}, want: http.StatusNotFound,
		},
		"from no address": {sender: "@", want: http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			networks, _ := parseProxies(c.networks)
			trusted, _ := parseProxies(c.trusted)
			page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "metrics") })
			handler, err := metricsAccess{networks, trusted}.wrap("https://app.example.com/auth", page, http.NotFoundHandler())
			if err != nil {
				t.Fatal(err)
			}
			for path, want := range map[string]int{"/auth/metrics": c.want, "/metrics": 404, "/auth/metrics/": 404, "/auth/token": 404} {
				r := httptest.NewRequest(http.MethodGet, path, nil)
				r.RemoteAddr = c.sender
				for name, values := range c.header {
					r.Header[name] = values
				}
				answer := httptest.NewRecorder()
				if handler.ServeHTTP(answer, r); answer.Code != want {
					t.Errorf("%s: %d, want %d", path, answer.Code, want)
				}
			}
		})
	}
}
