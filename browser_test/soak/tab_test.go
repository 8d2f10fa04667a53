//go:build long

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/chromedp/cdproto/cdp"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"
)

var organizations = []string{"acme", "globex", "initech"}

// tab is one of the person's tabs, with the organization that must be active in it.
type tab struct {
	*environment
	name         string
	organization string // slug
	stays        bool   // the tab never leaves its page, so a leak shows
	keeper       context.Context
	ctx          context.Context
	random       *rand.Rand
}

// answer is the return value of the page's act.
type answer struct {
	Value  any    `json:"value"`
	Error  string `json:"error"`
	Code   string `json:"code"`
	Action string `json:"action"`
	Away   bool   `json:"away"` // the page is not loaded (yet)
}

// patience is the longest that an act may take, in the run's time; outOfPatience is the
// allowance for the machine.
const (
	patience      = 4 * time.Minute
	outOfPatience = 30 * time.Second
	again         = 100 * time.Millisecond
)

// act runs an act in the page, once it is loaded.
func (t *tab) act(name, argument string) (string, error) {
	ctx, stop := context.WithTimeout(t.ctx, t.wallTime(patience)+outOfPatience)
	defer stop()
	for {
		a, err := chromedp.Run(ctx, chromedp.Evaluate[answer](
			fmt.Sprintf(`globalThis.act ? act(%q, %q) : { away: true }`, name, argument), chromedp.EvalAwaitPromise))
		switch {
		case ctx.Err() != nil:
			return "", fmt.Errorf("%s %s: no answer: %w", name, argument, context.Cause(ctx))
		case err != nil && !pageLeft(err):
			return "", err
		case err == nil && a.Error != "":
			return "", fmt.Errorf("%s %s: %s (%s, %s)", name, argument, a.Error, a.Code, a.Action)
		case err == nil && !a.Away:
			return fmt.Sprint(a.Value), nil
		}
		<-time.After(again)
	}
}

// pageLeft reports whether an evaluation failed because its page was left.
func pageLeft(err error) bool {
	text := err.Error()
	return strings.Contains(text, "navigated") || strings.Contains(text, "context") || strings.Contains(text, "promise was collected")
}

// checkActive calls the API in one of several ways, and compares the token's organization
// with the tab's own.
func (t *tab) checkActive(call string) error {
	got, err := t.act(call, "")
	if err == nil && got != "org_"+t.organization {
		err = fmt.Errorf("%s answered for %s, and the tab wears %s", call, got, t.organization)
	}
	return err
}

type act struct {
	name string
	do   func(*tab) error
}

// acts are the acts of a person in a tab; one that is listed twice is twice as
// frequent. The first ones leave the page.
var acts = []act{
	{"reload", (*tab).reload}, {"reload", (*tab).reload}, {"reload", (*tab).reload},
	{"away and back", (*tab).awayAndBack}, {"away and back", (*tab).awayAndBack},
	{"close and reopen", (*tab).reopen},
	{"token", func(t *tab) error { return t.checkActive("token") }},
	{"fetch", func(t *tab) error { return t.checkActive("whoami") }}, {"fetch", func(t *tab) error { return t.checkActive("whoami") }},
	{"burst", func(t *tab) error { return t.checkActive("burst") }},
	{"switch", (*tab).change}, {"switch", (*tab).change}, {"switch", (*tab).change},
	{"copy", (*tab).copy},
	{"show", (*tab).show}, {"show", (*tab).show},
}

// leave is how many of the acts leave the page.
const leave = 6

func (t *tab) draw() act {
	if t.stays {
		return acts[leave+t.random.IntN(len(acts)-leave)]
	}
	return acts[t.random.IntN(len(acts))]
}

func (t *tab) reload() error {
	if err := chromedp.Do(t.ctx, chromedp.Reload()); err != nil {
		return err
	}
	return t.checkActive("whoami")
}

// awayAndBack leaves the page and goes back, soon or not, from the back/forward
// cache or by loading it again.
func (t *tab) awayAndBack() error {
	if err := chromedp.Do(t.ctx, chromedp.Navigate(t.origin+"/favicon.ico")); err != nil {
		return err
	}
	<-time.After(time.Duration(t.random.IntN(500)) * time.Millisecond)
	if _, err := chromedp.Run(t.ctx, chromedp.Evaluate[any](`void setTimeout(() => history.back())`)); err != nil {
		return err
	}
	return t.checkActive("whoami")
}

// change switches to another organization, and half the times back.
func (t *tab) change() error {
	before := t.organization
	if err := t.changeTo(t.other()); err != nil {
		return err
	}
	if t.random.IntN(2) == 0 {
		return t.changeTo(before)
	}
	return nil
}

// changeTo asks for a switch. One that fails leaves the tab in its organization.
func (t *tab) changeTo(organization string) error {
	status, err := t.act("change", organization)
	if err != nil {
		return err
	}
	if status == "switched" {
		t.organization = organization
	}
	return t.checkActive("whoami")
}

func (t *tab) other() string {
	for {
		if o := organizations[t.random.IntN(len(organizations))]; o != t.organization {
			return o
		}
	}
}

func (t *tab) address() string { return t.origin + "/t/" + t.name }

// open opens the tab on its organization.
func (t *tab) open() error {
	ctx, _ := chromedp.NewContext(t.keeper) // reopen, or the end of the browser, cancels it
	if err := chromedp.Do(ctx, chromedp.Navigate(t.address()+"?tabard_organization="+t.organization)); err != nil {
		return err
	}
	t.ctx = ctx
	return t.checkActive("whoami")
}

func (t *tab) reopen() error {
	chromedp.Cancel(t.ctx)
	return t.open()
}

// copy opens a copy of the tab. The two then act independently.
func (t *tab) copy() error {
	own := chromedp.FromContext(t.ctx).Target.TargetID
	opened := chromedp.WaitNewTarget(t.ctx, func(i *target.Info) bool { return i.OpenerID == own })
	n, _ := strconv.Atoi(t.name)
	c := &tab{environment: t.environment, name: strconv.Itoa(n + 100), organization: t.organization, keeper: t.keeper, random: t.random}
	if _, err := chromedp.Run(t.ctx, chromedp.Evaluate[any](fmt.Sprintf(`void window.open(%q)`, c.address()))); err != nil {
		return err
	}
	select {
	case id := <-opened:
		c.ctx, _ = chromedp.NewContext(t.keeper, chromedp.WithTargetID(id))
	case <-time.After(outOfPatience):
		return errors.New("no copy was opened")
	case <-t.ctx.Done():
		return t.ctx.Err()
	}
	defer func() { chromedp.Cancel(c.ctx) }()
	if err := chromedp.Do(c.ctx); err != nil { // attaches for as long as the copy is open, not for one act
		return err
	}
	for _, step := range []func() error{
		func() error { return c.checkActive("whoami") }, c.change, func() error { return t.checkActive("whoami") }, c.reload,
	} {
		if err := step(); err != nil {
			return fmt.Errorf("the copy %s: %w", c.name, err)
		}
	}
	return nil
}

// show brings the tab to the front and hides the one in front of it.
func (t *tab) show() error {
	if _, err := chromedp.Call(t.ctx, cdppage.BringToFront, cdp.Empty{}); err != nil {
		return err
	}
	return t.checkActive("whoami")
}
