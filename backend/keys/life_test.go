package keys_test

import (
	"testing"
	"time"

	"github.com/tabard-auth/tabard/backend/keys"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/token"
)

const day = 24 * 3600

// key is one that takes over at a time after now; the ones in a chain are generations.
func key(signsAt int64) keys.Stored {
	return keys.Stored{Algorithm: keys.ES256, SignsAt: now + signsAt}
}

func (k stored) retired(at int64) keys.Stored {
	k.RetiresAt = now + at
	return keys.Stored(k)
}

type stored keys.Stored

func TestAKeyIsPreparedSignsIsKeptAndGoes(t *testing.T) {
	chain := keys.Chain{key(0), key(100), key(day)}
	for _, moment := range []struct {
		at                   int64
		first, second, third keys.Stage
	}{
		{0, keys.Signing, keys.Prepared, keys.Prepared},
		{99, keys.Signing, keys.Prepared, keys.Prepared},
		{100, keys.Kept, keys.Signing, keys.Prepared},
		{100 + keys.Keep - 1, keys.Kept, keys.Signing, keys.Prepared},
		{100 + keys.Keep, keys.Gone, keys.Signing, keys.Prepared},
		{day, keys.Gone, keys.Kept, keys.Signing},
		{day + keys.Keep, keys.Gone, keys.Gone, keys.Signing},
		{1000 * day, keys.Gone, keys.Gone, keys.Signing},
	} {
		want := [3]keys.Stage{moment.first, moment.second, moment.third}
		if got := stages(chain, moment.at); got != want {
			t.Errorf("after %d s they are %v, want %v", moment.at, got, want)
		}
	}
}

func stages(c keys.Chain, at int64) (all [3]keys.Stage) {
	for i := range c {
		all[i] = c.Stage(i, now+at)
	}
	return all
}

func TestARetiredKeyIsGoneAndNoneComesBack(t *testing.T) {
	for name, c := range map[string]struct {
		chain keys.Chain
		at    int64
		want  [3]keys.Stage
	}{
		"the next one is early where the signing one is retired": {
			keys.Chain{stored(key(0)).retired(50), key(100), key(200)}, 50,
			[3]keys.Stage{keys.Gone, keys.Signing, keys.Prepared}},
		"nothing signs where there is no next one": {
			keys.Chain{key(0), stored(key(100)).retired(150)}, 150,
			[3]keys.Stage{keys.Kept, keys.Gone}},
		"one retired before its time takes over from none": {
			keys.Chain{key(0), stored(key(100)).retired(50), key(200)}, 150,
			[3]keys.Stage{keys.Signing, keys.Gone, keys.Prepared}},
		"one that is to retire later goes on until then": {
			keys.Chain{stored(key(0)).retired(500)}, 499,
			[3]keys.Stage{keys.Signing}},
		"and not after": {
			keys.Chain{stored(key(0)).retired(500)}, 500,
			[3]keys.Stage{keys.Gone}},
	} {
		if got := stages(c.chain, c.at); got != c.want {
			t.Errorf("%s: they are %v, want %v", name, got, c.want)
		}
	}
}

// The stages are as long as what they have to outlast.
func TestTheStagesOutlastTokensAndCaches(t *testing.T) {
	const publishedAge, signingAge, clocks = 60, 600, 60
	_, err := token.NewVerifier(token.Config{Issuer: "i", Audience: "a", Keys: token.NewKeySet("", nil), Leeway: 61 * time.Second})
	if err == nil {
		t.Error("a verifier has more than 60 s of leeway")
	}
	if keys.Keep < policy.MaxAccessTTL+60+signingAge+clocks {
		t.Error("a key goes before what it signed last")
	}
	if keys.Soonest < keys.SetAge+publishedAge+clocks || keys.Lead < keys.Soonest {
		t.Error("a key may sign before it is known")
	}
}

func TestLivesAreReadAsDaysOrHours(t *testing.T) {
	for text, want := range map[string]time.Duration{"90d": 90 * 24 * time.Hour, "36h": 36 * time.Hour, "1d": 24 * time.Hour, "400d": 400 * 24 * time.Hour, "0": 0} {
		if life, err := keys.ParseLife(text); err != nil || life != want {
			t.Errorf("%s is %v, %v", text, life, err)
		}
	}
	for _, text := range []string{"", "90", "23h", "401d", "-1d", "99999999999d", "d", "soon"} {
		if life, err := keys.ParseLife(text); err == nil {
			t.Errorf("%q is %v", text, life)
		}
	}
}
