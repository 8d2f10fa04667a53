package tab_test

import (
	"fmt"
	"testing"
	"time"
)

// Only one of the tabs is visible, and tokens live five minutes. make bench-browser
// prints the result.
func TestAnHourCostsFewRequests(t *testing.T) {
	const perTab = 15 // an hour's renewals, each some time before the token's end
	for _, tabs := range []int{1, 10, 50} {
		for _, busy := range []bool{false, true} {
			name := fmt.Sprintf("%d tabs at rest", tabs)
			want := perTab
			if busy {
				name, want = fmt.Sprintf("%d tabs that each ask their API once a minute", tabs), perTab*tabs
			}
			t.Run(name, func(t *testing.T) {
				run(t, func(t *testing.T, b *browser) {
					b.signIn("ada")
					var pages []*page
					for i := range tabs {
						pages = append(pages, b.open(route([]string{"acme", "globex"}[i%2])))
						if i > 0 {
							pages[i].hide()
						}
					}
					b.requests()
					for range 60 {
						time.Sleep(time.Minute)
						for _, p := range pages {
							if busy {
								p.Credential("", "")
							}
						}
					}
					n := len(b.requests())
					t.Logf("%s: %d requests in an hour", name, n)
					if n > want+want/5 {
						t.Errorf("want about %d", want)
					}
				})
			})
		}
	}
}
