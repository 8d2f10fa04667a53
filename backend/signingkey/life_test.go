package signingkey_test

import (
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/backend/token"
)

const day = 24 * 3600

// key returns a key that takes over at a time after now. Keys in a chain are
// generations.
func key(signsAt int64) signingkey.Stored {
	return signingkey.Stored{Algorithm: signingkey.ES256, SignsAt: now + signsAt}
}

func (k stored) retired(at int64) signingkey.Stored {
	k.RetiresAt = now + at
	return signingkey.Stored(k)
}

type stored signingkey.Stored

func TestAKeyIsPreparedSignsIsKeptAndGoes(t *testing.T) {
	chain := signingkey.Chain{key(0), key(100), key(day)}
	for _, moment := range []struct {
		at                   int64
		first, second, third signingkey.Stage
	}{
		{0, signingkey.Signing, signingkey.Prepared, signingkey.Prepared},
		{99, signingkey.Signing, signingkey.Prepared, signingkey.Prepared},
		{100, signingkey.Kept, signingkey.Signing, signingkey.Prepared},
		{100 + signingkey.Keep - 1, signingkey.Kept, signingkey.Signing, signingkey.Prepared},
		{100 + signingkey.Keep, signingkey.Gone, signingkey.Signing, signingkey.Prepared},
		{day, signingkey.Gone, signingkey.Kept, signingkey.Signing},
		{day + signingkey.Keep, signingkey.Gone, signingkey.Gone, signingkey.Signing},
		{1000 * day, signingkey.Gone, signingkey.Gone, signingkey.Signing},
	} {
		want := [3]signingkey.Stage{moment.first, moment.second, moment.third}
		if got := stages(chain, moment.at); got != want {
			t.Errorf("after %d s they are %v, want %v", moment.at, got, want)
		}
	}
}

func stages(c signingkey.Chain, at int64) (all [3]signingkey.Stage) {
	for i := range c {
		all[i] = c.Stage(i, now+at)
	}
	return all
}

func TestARetiredKeyIsGoneAndNoneComesBack(t *testing.T) {
	for name, c := range map[string]struct {
		chain signingkey.Chain
		at    int64
		want  [3]signingkey.Stage
	}{
		"the next one is early where the signing one is retired": {
			signingkey.Chain{stored(key(0)).retired(50), key(100), key(200)}, 50,
			[3]signingkey.Stage{signingkey.Gone, signingkey.Signing, signingkey.Prepared}},
		"nothing signs where there is no next one": {
			signingkey.Chain{key(0), stored(key(100)).retired(150)}, 150,
			[3]signingkey.Stage{signingkey.Kept, signingkey.Gone}},
		"one retired before its time takes over from none": {
			signingkey.Chain{key(0), stored(key(100)).retired(50), key(200)}, 150,
			[3]signingkey.Stage{signingkey.Signing, signingkey.Gone, signingkey.Prepared}},
		"one that is to retire later goes on until then": {
			signingkey.Chain{stored(key(0)).retired(500)}, 499,
			[3]signingkey.Stage{signingkey.Signing}},
		"and not after": {
			signingkey.Chain{stored(key(0)).retired(500)}, 500,
			[3]signingkey.Stage{signingkey.Gone}},
	} {
		if got := stages(c.chain, c.at); got != c.want {
			t.Errorf("%s: they are %v, want %v", name, got, c.want)
		}
	}
}

// The stages are longer than the lifetimes that they must exceed.
func TestTheStagesOutlastTokensAndCaches(t *testing.T) {
	const publishedAge, signingAge, clocks = 60, 600, 60
	_, err := token.NewVerifier(token.Config{Issuer: "i", Audience: "a", Keys: token.NewKeySet("", nil), Leeway: 61 * time.Second})
	if err == nil {
		t.Error("a verifier has more than 60 s of leeway")
	}
	if signingkey.Keep < policy.MaxAccessTTL+60+signingAge+clocks {
		t.Error("a key goes before what it signed last")
	}
	if signingkey.Soonest < signingkey.SetAge+publishedAge+clocks || signingkey.Lead < signingkey.Soonest {
		t.Error("a key may sign before it is known")
	}
}

func TestLivesAreReadAsDaysOrHours(t *testing.T) {
	for text, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "36h": 36 * time.Hour, "1d": 24 * time.Hour, "400d": 400 * 24 * time.Hour, "0": 0} {
		if life, err := signingkey.ParseLife(text); err != nil || life != want {
			t.Errorf("%s is %v, %v", text, life, err)
		}
	}
	for _, text := range []string{"", "90", "23h", "401d", "-1d", "99999999999d", "d", "soon"} {
		if life, err := signingkey.ParseLife(text); err == nil {
			t.Errorf("%q is %v", text, life)
		}
	}
}
