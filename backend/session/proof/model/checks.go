package main

import (
	"fmt"

	"github.com/tabard-auth/tabard/backend/session"
)

// check is one question to the model.
type check struct {
	name string
	// full checks take minutes and gigabytes.
	full bool
	run  func() result
}

type result struct {
	ok     bool
	states int
	says   string
	trace  []string
}

// tight are the smallest limits for D = 1 and a flush of one tick.
var tight = session.Limits{D: 1, G: 2, W: 1, R: 4, K: 1, Flush: 1}

func but(limits session.Limits, change func(*session.Limits)) session.Limits {
	change(&limits)
	return limits
}

func checks() []check {
	wide := session.Limits{D: 1, G: 3, W: 2, R: 6, K: 1, Flush: 2}
	skewed := session.Limits{D: 1, G: 3, W: 2, R: 6, K: 1, Slack: 1}
	slow := session.Limits{D: 1, G: 3, W: 3, R: 7, K: 1, Slack: 1, Flush: 1}
	twice := but(tight, func(l *session.Limits) { l.K = 2 })
	thrice := but(tight, func(l *session.Limits) { l.K = 3 })
	return []check{
		honest("a crash", false, environment{rules: judging(tight), messages: 2, crashes: 1}),
		honest("sleep", false, environment{rules: judging(tight), messages: 2, sleeps: true}),
		honest("a crash and sleep", true, environment{rules: judging(tight), messages: 2, crashes: 1, sleeps: true}),
		honest("two crashes and sleep", true, environment{rules: judging(twice), messages: 2, crashes: 2, sleeps: true}),
		honest("three crashes", true, environment{rules: judging(thrice), messages: 2, crashes: 3}),
		honest("a crash and sleep, wider limits", true, environment{rules: judging(wide), messages: 2, crashes: 1, sleeps: true}),
		honest("a crash, three messages", true, environment{rules: judging(tight), messages: 3, crashes: 1}),
		honest("a crash, clocks that differ", true, environment{rules: judging(skewed), messages: 2, crashes: 1}),
		honest("sleep, three messages", true, environment{rules: judging(tight), messages: 3, sleeps: true}),
		honest("a crash, clocks that differ, a flush", true, environment{rules: judging(slow), messages: 2, crashes: 1}),

		honest("a session that ends, a crash", false, environment{rules: judging(tight), messages: 2, crashes: 1, ends: true}),
		beside("a session beside the one that it joined", true, environment{rules: judging(tight), messages: 1}),
		beside("both, and a crash that sets both cookies back", true, environment{rules: judging(tight), messages: 1, crashes: 1, brief: true}),
		beside("both, and the end of the first", true, environment{rules: judging(tight), messages: 1, ends: true, brief: true}),
		beside("two people, and the sign-out of one", true, environment{rules: judging(tight), messages: 1, brief: true, people: true, ends: true}),
		parted("both, and a crash: W below the flush time", true, environment{rules: judging(but(tight, func(l *session.Limits) { l.Flush = 2 })), messages: 1, crashes: 1, brief: true}),
		parted("both, and a crash: no rollback rows", false, environment{rules: rules{Limits: tight, judge: withoutRollbacks}, messages: 1, crashes: 1, brief: true}),
		parted("both, and the end of the first alone", false, environment{rules: judging(tight), messages: 1, ends: true, apart: true}),

		people("two people in one browser, a crash", false, choosing{messages: 1, signIns: 3, crashes: 1}),
		people("two people, two messages", true, choosing{messages: 2, signIns: 2, crashes: 1}),
		people("two people, four sign-ins", true, choosing{messages: 1, signIns: 4}),
		people("two people, somebody copies the jar", false, choosing{messages: 1, signIns: 3, copies: true}),
		mixed("an unknown mark gets the newest session", choosing{messages: 1, signIns: 2, newest: true}),
		mixed("the only cookie answers whoever asks", choosing{messages: 1, signIns: 2, onlyCookie: true}),
		mixed("a sign-out of the mark's session alone", choosing{messages: 1, signIns: 2, markAlone: true}),
		mixed("a sign-out that only clears the cookie", choosing{messages: 1, signIns: 2, crashes: 1, clearOnly: true}),
		mixed("one cookie name for both people", choosing{messages: 1, signIns: 2, oneName: true}),
		mixed("a request ends everybody's older sessions", choosing{messages: 1, signIns: 3, endsOthers: true}),
		mixed("a copied jar without a key of the browser", choosing{messages: 1, signIns: 2, copies: true, keyless: true}),

		control("a session that ends by its cookie alone", false, environment{rules: judging(tight), messages: 2, crashes: 1, ends: true, clearedOnly: true}),
		control("two names of one session", false, environment{rules: judging(tight), messages: 2, twoNames: true}),
		control("G = D", false, environment{messages: 2,
			rules: judging(but(tight, func(l *session.Limits) { l.G = l.D }))}),
		control("no S rule", false, environment{messages: 2,
			rules: rules{Limits: tight, judge: withoutSiblings}}),
		control("no rollback rows", false, environment{messages: 2, crashes: 1,
			rules: rules{Limits: tight, judge: withoutRollbacks}}),
		control("more crashes than k", false, environment{messages: 2, crashes: 2,
			rules: judging(tight)}),
		control("G = 2D and R = 2D", false, environment{messages: 2,
			rules: judging(but(tight, func(l *session.Limits) { l.R = 2 * l.D }))}),
		control("R = 2D + W and a crash", false, environment{messages: 2, crashes: 1,
			rules: judging(but(tight, func(l *session.Limits) { l.R = 2*l.D + l.W }))}),
		control("W below the flush time", false, environment{messages: 2, crashes: 1,
			rules: judging(but(tight, func(l *session.Limits) { l.Flush = 2 }))}),
		control("no slack in G", false, environment{messages: 2,
			rules: judging(but(skewed, func(l *session.Limits) { l.G = 2 * l.D }))}),
		control("half the slack in W", true, environment{messages: 2, crashes: 1,
			rules: judging(but(skewed, func(l *session.Limits) { l.Flush = 1 }))}),
		control("the browser does not wait on waking", false, environment{messages: 2, sleeps: true, impatient: true,
			rules: judging(tight)}),

		laziness(but(wide, func(l *session.Limits) { l.R = 7 })),

		theft("k = 0", false, but(tight, func(l *session.Limits) { l.K = 0 }), 2),
		theft("k = 1", false, tight, 4),
		theft("k = 2", false, twice, 6),
		theft("k = 3", false, thrice, 8),
		theft("k = 3, pauses shorter than R", true, but(thrice, func(l *session.Limits) { l.R = 6 }), 9),
		undetected("no limit k", rules{Limits: tight, judge: withoutLimit}),
		undetected("a deterministic successor, thief in step", rules{Limits: tight, judge: session.Judge, inStep: true}),
	}
}

func judging(limits session.Limits) rules { return rules{Limits: limits, judge: session.Judge} }

// honest checks that no honest history ends in a false verdict.
func honest(name string, full bool, h environment) check {
	return check{"honest: " + name, full, func() result {
		if err := h.Check(); err != nil {
			return result{says: err.Error()}
		}
		found := h.check()
		return result{found.why == "", found.states, says(found.why, "no false verdict"), found.trace}
	}}
}

// control checks that the model can see a fault at all.
func control(name string, full bool, h environment) check {
	return check{"control: " + name, full, func() result {
		found := h.check()
		return result{found.why != "", found.states, says(found.why, "nothing is wrong"), nil}
	}}
}

// beside is honest for two sessions in one jar.
func beside(name string, full bool, h environment) check {
	return check{"honest: " + name, full, func() result {
		found := h.checkPair()
		return result{found.why == "", found.states, says(found.why, "no false verdict"), found.trace}
	}}
}

// parted is control for two sessions in one jar.
func parted(name string, full bool, h environment) check {
	return check{"control: " + name, full, func() result {
		found := h.checkPair()
		return result{found.why != "", found.states, says(found.why, "nothing is wrong"), nil}
	}}
}

// people is honest for the choice between the sessions of two people.
func people(name string, full bool, c choosing) check {
	return check{"honest: " + name, full, func() result {
		found := c.check()
		return result{found.why == "", found.states, says(found.why, "nobody mixed, signed out or back in"), found.trace}
	}}
}

// mixed is control for the choice between the sessions of two people.
func mixed(name string, c choosing) check {
	return check{"control: " + name, false, func() result {
		found := c.check()
		return result{found.why != "", found.states, says(found.why, "nothing is wrong"), nil}
	}}
}

func says(why, otherwise string) string {
	if why != "" {
		return why
	}
	return otherwise
}

func laziness(limits session.Limits) check {
	return check{"lazy: cur_last", false, func() result {
		found := compare(judging(limits))
		return result{found.why == "", found.states, says(found.why, "every verdict as if eager"), found.trace}
	}}
}

func theft(name string, full bool, limits session.Limits, most int) check {
	return check{"theft: " + name, full, func() result {
		r := judging(limits)
		turns, states := r.alternations()
		return result{turns <= most, states, fmt.Sprintf("found after %d alternations", turns), nil}
	}}
}

func undetected(name string, r rules) check {
	return check{"control: " + name, false, func() result {
		turns, states := r.alternations()
		return result{turns >= enough-2, states, fmt.Sprintf("not found after %d alternations", turns), nil}
	}}
}
