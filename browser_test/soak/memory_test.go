//go:build long

package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"

	"github.com/tabard-auth/tabard/browser_test/kit/chrome"
)

// memory is one measurement of the browser at rest.
type memory struct {
	at       time.Time
	renderer float64 // of one renderer process (proportional set size), MiB
	steady   alive   // mean of a tab that stays on its page
}

// alive is the live memory of a page after a garbage collection.
type alive struct {
	heap      float64 // JavaScript's, MiB
	module    float64 // the module's linear memory, MiB
	listeners float64
	documents float64
}

func (m memory) String() string {
	return fmt.Sprintf("renderer %.1f MiB; a page that stays: heap %.2f MiB, module %.2f MiB, %.0f listeners, %.0f documents",
		m.renderer, m.steady.heap, m.steady.module, m.steady.listeners, m.steady.documents)
}

// measure records the memory of the idle tabs after a garbage collection.
func (p *person) measure() {
	m := memory{at: time.Now()}
	var steady []*tab
	for _, t := range p.tabs {
		chromedp.Call(t.ctx, heapprofiler.CollectGarbage, cdp.Empty{})
		if t.stays {
			steady = append(steady, t)
		}
	}
	for _, t := range steady {
		one, err := t.alive()
		if err != nil {
			p.t.Errorf("the memory of the tab %s: %v", t.name, err)
		}
		m.steady.add(one, 1/float64(len(steady)))
	}
	processes, bytes := chrome.Renderers(p.keeper)
	m.renderer = float64(bytes) / float64(max(processes, 1)) / (1 << 20)
	p.memory = append(p.memory, m)
	p.t.Log("memory:", m)
}

// alive measures a tab's page.
func (t *tab) alive() (a alive, err error) {
	if _, err := chromedp.Call(t.ctx, performance.Enable, performance.EnableParams{}); err != nil {
		return a, err
	}
	all, err := chromedp.Call(t.ctx, performance.GetMetrics, cdp.Empty{})
	if err != nil {
		return a, err
	}
	for _, metric := range all.Metrics {
		switch metric.Name {
		case "JSHeapUsedSize":
			a.heap = metric.Value / (1 << 20)
		case "JSEventListeners":
			a.listeners = metric.Value
		case "Documents":
			a.documents = metric.Value
		}
	}
	bytes, err := chromedp.Run(t.ctx, chromedp.Evaluate[float64](`moduleBytes()`))
	a.module = bytes / (1 << 20)
	return a, err
}

func (a *alive) add(b alive, share float64) {
	a.heap += b.heap * share
	a.module += b.module * share
	a.listeners += b.listeners * share
	a.documents += b.documents * share
}

// measures are the values that must not grow, with the factor that each may vary by:
// the module, and its references to JavaScript, which it collects late.
var measures = []struct {
	name string
	of   func(memory) float64
	most float64
}{
	{"MiB of a renderer", func(m memory) float64 { return m.renderer }, 1.25},
	{"MiB of JavaScript's heap in a page that stays", func(m memory) float64 { return m.steady.heap }, 1.25},
	{"MiB of the module in a page that stays", func(m memory) float64 { return m.steady.module }, 1.15},
	{"listeners in a page that stays", func(m memory) float64 { return m.steady.listeners }, 1.15},
	{"documents in a page that stays", func(m memory) float64 { return m.steady.documents }, 1.25},
}

// warm is the minimal length of a run whose first third covers the warm-up.
const warm = 6 * time.Minute

// grown returns the names of the values that have grown in a long run in one browser:
// it compares the last third of the measurements with the middle one. A shorter run is
// not conclusive.
func grown(looks []memory) (all []string) {
	third := len(looks) / 3
	if third < 2 || looks[len(looks)-1].at.Sub(looks[0].at) < warm {
		return nil
	}
	for _, m := range measures {
		before, after := middle(looks[third:2*third], m.of), middle(looks[len(looks)-third:], m.of)
		if after > before*m.most {
			all = append(all, fmt.Sprintf("from %.2f to %.2f %s", before, after, m.name))
		}
	}
	return all
}

func TestMemory_GrowthIsFound(t *testing.T) {
	for name, run := range map[string]struct {
		look func(i int) alive
		want int
	}{
		"a warm-up that levels off": {func(i int) alive { return alive{1 + min(float64(i), 5)/20, 4 + min(float64(i), 5)/2, 20, 1} }, 0},
		"a heap that grows":         {func(i int) alive { return alive{1 + float64(i)/10, 6, 20, 1} }, 1},
		"a module that grows":       {func(i int) alive { return alive{1, 4 + float64(i)/4, 20, 1} }, 1},
		"listeners that stay":       {func(i int) alive { return alive{1, 6, 20 + float64(i), 1} }, 1},
		"documents that stay":       {func(i int) alive { return alive{1, 6, 20, 1 + float64(i)/4} }, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var looks []memory
			for i := range 15 {
				looks = append(looks, memory{at: time.Unix(int64(30*i), 0), renderer: 45, steady: run.look(i)})
			}
			if got := grown(looks); len(got) != run.want {
				t.Errorf("grown: %q, want %d", got, run.want)
			}
			if got := grown(looks[:10]); got != nil {
				t.Errorf("a short run tells of %q", got)
			}
		})
	}
}

// middle returns the median of a measure.
func middle(looks []memory, of func(memory) float64) float64 {
	values := make([]float64, len(looks))
	for i, m := range looks {
		values[i] = of(m)
	}
	slices.Sort(values)
	return (values[(len(values)-1)/2] + values[len(values)/2]) / 2
}

func (p *person) memories() string {
	if len(p.memory) == 0 {
		return "not measured"
	}
	return strings.Join([]string{"first " + p.memory[0].String(), "last " + p.memory[len(p.memory)-1].String()}, ", ")
}
