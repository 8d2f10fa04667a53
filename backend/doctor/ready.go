package doctor

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
)

const (
	readiness = "readiness"

	readyPath = "/readyz"
)

// unready are the failures that a replica reports, in words, with advice.
var unready = map[string]struct{ text, advice string }{
	"write": {"no write lands in its database: the disk is full, or it is a standby",
		"Make room on the database's disk, or let the server connect to the primary."},
	"database":     {"its database does not answer within a second", "Look at the database's load, its disk and the network."},
	"schema":       {"its database lacks migrations of its release", "Apply them: npx wrangler d1 migrations apply."},
	"signing_keys": {"no signing key opens under its secret", "Give every replica the same secret file."},
	"epoch": {"the database was restored and is not accepted",
		"Run tabard restore --list, and then tabard restore --accept."},
	"starting": {"it waits for its database, or migrates it", "Look at its log, and at the database that it names."},
	"stopping": {"it is being stopped", "Run this command again when it has started."},
}

// failsReadiness reports whether the server there says that it is not ready, and why.
func (e *examination) failsReadiness(ctx context.Context) bool {
	before := len(e.findings)
	e.ready(ctx)
	if !e.unready {
		e.findings = e.findings[:before] // something else answers
	}
	return e.unready
}

// ready asks a replica whether it should get requests.
func (e *examination) ready(ctx context.Context) {
	a, err := e.get(ctx, strings.TrimSuffix(e.PublicURL, "/")+readyPath)
	if err != nil {
		e.add(readiness, Problem, "Check the proxy and the server.", "%s: %v", readyPath, err)
		return
	}
	var said struct{ Status, Failed string }
	json.Unmarshal(a.body, &said) // another body has no such report
	switch why, known := unready[said.Failed]; {
	case a.status == http.StatusOK && said.Status == "ok":
		e.ok(readiness, "the server is ready")
	case known:
		e.unready = true
		e.add(readiness, Problem, why.advice, "the server is not ready: %s", why.text)
	case said.Status == "":
		e.add(readiness, Look, "If the proxy keeps "+readyPath+" to itself, ask a replica.", "whether the server is ready cannot be seen (%s)", a.describe())
	default:
		e.unready = true
		e.add(readiness, Problem, "See the server's log.", "the server is not ready (%s)", a.describe())
	}
}
