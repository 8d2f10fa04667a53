package isolationtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/tabard-auth/tabard/backend/isolationtest"
)

// The service below does not compare the organization of the path with that of the
// token. The report names the route and the evidence. In a Go test, [isolationtest.Run]
// fails with the same findings.
func ExampleCheck() {
	var mu sync.Mutex              // the kit sends both tenants' requests at once
	notes := map[string][]string{} // by organization
	service := http.NewServeMux()
	service.HandleFunc("POST /organizations/{organization}/notes", func(w http.ResponseWriter, r *http.Request) {
		if strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer token-of-") != r.PathValue("organization") {
			http.Error(w, "not yours", http.StatusForbidden)
			return
		}
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		notes[r.PathValue("organization")] = append(notes[r.PathValue("organization")], string(body))
		json.NewEncoder(w).Encode(map[string]string{"id": "note"})
	})
	service.HandleFunc("GET /organizations/{organization}/notes", func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.Header.Get("Authorization"), "Bearer token-of-org_") {
			http.Error(w, "sign in", http.StatusUnauthorized)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		json.NewEncoder(w).Encode(notes[r.PathValue("organization")]) // for any token
	})

	routes, records, err := isolationtest.Plan(`
		GET /organizations/{organization}/notes
		record note=id POST /organizations/{organization}/notes {"text": "{canary}"}`)
	if err != nil {
		fmt.Println(err)
		return
	}
	report, err := isolationtest.Check(context.Background(), isolationtest.Config{
		Handler: service, Routes: routes, Records: records,
		Tenants: [2]isolationtest.Tenant{
			{Organization: "org_a", Token: "token-of-org_a"},
			{Organization: "org_b", Token: "token-of-org_b"},
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	first := report.Findings[0]
	fmt.Println(first.Problem, first.Route.Method, first.Route.Path, "by", first.By, "of", first.Of)
	// Output:
	// leaked GET /organizations/{organization}/notes by org_b of org_a
}
