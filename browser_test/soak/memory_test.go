package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/heapprofiler"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"

	"github.com/tabard-auth/tabard/browser_test/chrome"
)

// memory is what one look at the resting browser found.
type memory struct {
	renderer float64 // of one renderer process (proportional set size), MiB
	steady   alive   // of one tab whose page stays, the mean
}

// alive is what lives in a page after a garbage collection.
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

// measure takes the memory of the tabs, which rest, after a garbage collection.
func (p *person) measure() {
	var m memory
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

// measures are what must not grow, and by what factor it may differ all the same.
var measures = []struct {
	name string
	of   func(memory) float64
	most float64
}{
	{"MiB of a renderer", func(m memory) float64 { return m.renderer }, 1.15},
	{"MiB of JavaScript's heap in a page that stays", func(m memory) float64 { return m.steady.heap }, 1.15},
	{"MiB of the module in a page that stays", func(m memory) float64 { return m.steady.module }, 1.15},
	{"listeners in a page that stays", func(m memory) float64 { return m.steady.listeners }, 1.25},
	{"documents in a page that stays", func(m memory) float64 { return m.steady.documents }, 1.5},
}

// flat refuses memory that grows in a long run in one browser: the last third of the
// looks against the middle one. In the first third everything warms up.
func (p *person) flat() {
	third := len(p.memory) / 3
	if third < 2 || p.server != nil {
		return
	}
	for _, m := range measures {
		before, after := middle(p.memory[third:2*third], m.of), middle(p.memory[len(p.memory)-third:], m.of)
		if after > before*m.most {
			p.t.Errorf("the memory grows: from %.2f to %.2f %s", before, after, m.name)
		}
	}
}

// middle is the median of a measure.
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
