package browserapi_test

import (
	"net/http"
	"net/url"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/handover"
	"github.com/tabard-auth/tabard/backend/policy"
	"github.com/tabard-auth/tabard/backend/session"
	"github.com/tabard-auth/tabard/backend/signingkey"
	"github.com/tabard-auth/tabard/browser_test/kit/httpbrowser"
	"github.com/tabard-auth/tabard/web-demo/idp"
)

// request is a repeatable request.
type request func() httpbrowser.Response

// faultRequests are requests that together use every method of the store. Each function
// prepares a backend without side effects and returns the request.
var faultRequests = map[string]func(*backend) request{
	"login": func(w *backend) request {
		b := w.browser()
		return func() httpbrowser.Response { return b.Step(publicURL + "/login") }
	},
	"login in an app that was registered since": func(w *backend) request {
		w.browser().Get("/session")
		d := desired()
		d.Workspace.Apps = append(d.Workspace.Apps, directory.App{ID: "late", Name: "Late", Origins: []string{"http://localhost:9100"}, Audience: "late"})
		w.Apply(d)
		b := w.browser()
		return func() httpbrowser.Response { return b.Step(publicURL + "/login?app=late") }
	},
	"callback": func(w *backend) request {
		w.Provider.People = map[string]map[string]any{"alice": {"groups": []string{"umbrella"}, "employee_number": "17"}}
		b := w.browser()
		page := b.Login("")
		w.Restart()
		return func() httpbrowser.Response {
			return b.Step(publicURL + "/callback?" + w.Provider.SignIn(page.URL.String(), "alice").Encode())
		}
	},
	"a sign-in by an e-mail address": func(w *backend) request {
		w.connect("acme", directory.Provisioning{})
		w.claim("acme", "acme.example", true)
		b := w.browser()
		return func() httpbrowser.Response { return b.Step(publicURL + "/login?email=nina@acme.example") }
	},
	"a sign-in that a portal initiates": func(w *backend) request {
		w.connect("acme", directory.Provisioning{})
		b := w.browser()
		return func() httpbrowser.Response { return b.Step(publicURL + "/login?iss=" + url.QueryEscape(portalIssuer)) }
	},
	"a callback where browsers are limited": func(w *backend) request {
		d := desired()
		d.Workspace.SignIn.MaxSessions = 1
		w.Apply(d)
		w.signedIn("alice")
		w.Pass(time.Second) // the sessions have an order
		b := w.browser()
		page := b.Login("")
		w.Restart()
		return func() httpbrowser.Response {
			return b.Step(publicURL + "/callback?" + w.Provider.SignIn(page.URL.String(), "alice").Encode())
		}
	},
	"a callback that adds a person": func(w *backend) request {
		w.Apply(several())
		b := w.signedIn("alice")
		page := b.BeginByScript(publicURL + "/login?account=another")
		back := publicURL + "/callback?" + w.Provider.SignIn(page.URL.String(), "bob").Encode()
		w.Restart()
		return func() httpbrowser.Response { return b.Step(back) }
	},
	"a callback whose attempt was used": func(w *backend) request {
		b := w.browser()
		page := b.Login("")
		back := publicURL + "/callback?" + w.Provider.SignIn(page.URL.String(), "alice").Encode()
		again := func() httpbrowser.Response { return b.Step(back) } // the provider refuses its code
		again()
		w.Restart()
		return again
	},
	"a front-channel logout": func(w *backend) request {
		p := w.connect("acme", directory.Provisioning{JustInTime: true})
		w.Change(`UPDATE connections SET provisioning = json_set(provisioning, '$.frontchannel_logout', json('true')), revision = revision + 1`)
		p.Claims = tells(map[string]any{"sid": "one"})
		w.begin("acme", "u")
		w.Restart()
		return func() httpbrowser.Response {
			return framed(w.browser(), "/frontchannel-logout/con_acme", p.Issuer, "one")
		}
	},
	"a callback whose provider is to be asked again": func(w *backend) request {
		w.Provider.RefreshTokens = &idp.RefreshTokens{}
		w.signsIn(directory.SignIn{Revalidation: fiveMinutes})
		b := w.browser()
		page := b.Login("")
		w.Restart()
		return func() httpbrowser.Response {
			return b.Step(publicURL + "/callback?" + w.Provider.SignIn(page.URL.String(), "alice").Encode())
		}
	},
	"the first token": func(w *backend) request {
		b := w.signedIn("alice")
		w.Restart()
		return func() httpbrowser.Response { return b.Post("/token", `{"organization":"acme"}`) }
	},
	"a token of a session that must not be unused for long": func(w *backend) request {
		d := desired()
		d.Workspace.Policy.SessionIdle = 480
		w.Apply(d)
		b := w.signedIn("bob")
		w.Pass(110 * time.Second)
		w.mint(b, "acme")
		w.Pass(61 * time.Second) // before a successor is due
		w.Restart()
		return func() httpbrowser.Response { return b.Post("/token", `{"organization":"acme"}`) }
	},
	"the first token after a step-up": func(w *backend) request {
		w.rule(map[string]policy.Rules{"acme": mfa})
		b := w.signedIn("alice")
		w.mint(b, "globex")
		w.Pass(time.Second)
		answersWith(w, "mfa")
		w.stepUp(b, w.challenged(b.Post("/token", enters)), "alice")
		w.Restart()
		return func() httpbrowser.Response { return b.Post("/token", `{"organization":"acme"}`) }
	},
	"a code for the origin of another organization": func(w *backend) request {
		m := withMany(w)
		b := m.at(originOf("acme"))
		m.signInAt(b, originOf("acme"), "alice")
		m.mint(b, "acme")
		code, to := m.led(b, "globex").Code, m.at(originOf("globex"), b)
		m.restart()
		return func() httpbrowser.Response { return to.Post("/handover/join", `{"code":"`+code+`"}`) }
	},
	"a sign-out everywhere at the origin of an organization": func(w *backend) request {
		m := withMany(w)
		b := m.at(originOf("acme"))
		m.signInAt(b, originOf("acme"), "alice")
		m.mint(b, "acme")
		m.restart()
		return func() httpbrowser.Response { return b.Post("/logout", `{"scope":"everywhere"}`) }
	},
	"a token where none is named": func(w *backend) request {
		b := w.signedIn("bob")
		w.Restart()
		return func() httpbrowser.Response { return b.Post("/token", `{}`) }
	},
	"a token that advances": func(w *backend) request {
		b := w.signedIn("alice")
		w.Pass(time.Duration(session.LimitsFor(false).R) * time.Second)
		w.mint(b, "acme") // returns the successor
		w.Restart()
		return func() httpbrowser.Response { return b.Post("/token", `{"organization":"acme"}`) }
	},
	"a token that binds the device key": func(w *backend) request {
		b := w.signedIn("alice").On(httpbrowser.NewDevice(w))
		w.Restart()
		return func() httpbrowser.Response { return b.Post("/token", `{"organization":"acme"}`) }
	},
	"a token after two sign-ins": func(w *backend) request {
		b := w.signedIn("alice")
		w.Pass(time.Second)
		w.signIn(b, "bob")
		w.Restart()
		return func() httpbrowser.Response { return b.Post("/token", `{"organization":"acme"}`) }
	},
	"a token beside a cookie of another replica's secret": func(w *backend) request {
		b := w.signedIn("alice")
		before, _ := withAnotherSecret(w)
		w.seen(before, time.Minute)
		w.signIn(b, "alice")
		w.Restart()
		return func() httpbrowser.Response { return b.Post("/token", `{"organization":"acme"}`) }
	},
	"the session": func(w *backend) request {
		b := w.signedIn("alice")
		w.Restart()
		return func() httpbrowser.Response { return b.Get("/session") }
	},
	"the session's next organizations": func(w *backend) request {
		b := w.signedIn("alice")
		w.Restart()
		return func() httpbrowser.Response { return b.Get("/session?after=org_acme") }
	},
	"a step-up's callback": func(w *backend) request {
		b := w.signedIn("alice")
		page := b.Login("organization=acme&max_age=0&user=" + w.mint(b, "acme").User.ID)
		w.Restart()
		return func() httpbrowser.Response {
			return b.Step(publicURL + "/callback?" + w.Provider.SignIn(page.URL.String(), "alice").Encode())
		}
	},
	"a step-up's callback, with a device key": func(w *backend) request {
		b := w.keyed("alice")
		page := b.Begin(publicURL + "/login?organization=acme&max_age=0&user=" + w.mint(b, "acme").User.ID)
		w.Restart()
		return func() httpbrowser.Response {
			return b.Step(publicURL + "/callback?" + w.Provider.SignIn(page.URL.String(), "alice").Encode())
		}
	},
	"entering with a second factor, in the last browser allowed": func(w *backend) request {
		w.rule(map[string]policy.Rules{"acme": {MaxSessions: 1, ACR: []string{"mfa"}}})
		b := w.signedIn("alice")
		answersWith(w, "mfa")
		w.stepUp(b, w.challenged(b.Post("/token", enters)), "alice")
		w.Restart()
		return func() httpbrowser.Response { return b.Post("/token", enters) }
	},
	"an active person's token": func(w *backend) request {
		w.rule(map[string]policy.Rules{"acme": {IdleTimeout: 600}})
		b := w.signedIn("alice")
		w.mint(b, "acme")
		w.Pass(5 * time.Minute)
		w.Restart()
		return func() httpbrowser.Response { return report(b, 0) }
	},
	"signing out of an organization": signingOut(`{"scope":"organization","organization":"acme"}`),
	"signing out":                    signingOut(`{"scope":"session"}`),
	"signing out everywhere":         signingOut(`{"scope":"everywhere"}`),
	"listing one's devices": func(w *backend) request {
		b := w.signedIn("alice")
		w.Restart()
		return func() httpbrowser.Response { return b.Get("/sessions") }
	},
	"ending one's device": func(w *backend) request {
		b := w.signedIn("alice")
		id := w.devices(b)[0].ID
		w.signIn(b, "alice")
		w.mint(b, "acme")
		w.Restart()
		return func() httpbrowser.Response { return b.Fetch(http.MethodDelete, "/sessions/"+id, "") }
	},
	"a provider's logout": func(w *backend) request {
		w.signedIn("alice")
		token := w.logoutToken("alice", func(jwt.MapClaims) {})
		w.Restart()
		return func() httpbrowser.Response {
			got := w.backchannel(token)
			return httpbrowser.Response{Status: got.Code, Header: got.Header(), Body: got.Body.String()}
		}
	},
	"a sign-in at an organization's own provider": func(w *backend) request {
		w.connect("acme", directory.Provisioning{})
		b := w.browser()
		return func() httpbrowser.Response { return b.Step(publicURL + "/login?organization=acme") }
	},
	"entering by an organization's own provider": func(w *backend) request {
		w.connect("acme", directory.Provisioning{})
		b := w.signedIn("alice")
		user := w.mint(b, "globex").User.ID
		w.Restart()
		return func() httpbrowser.Response { return b.Step(publicURL + "/login?organization=acme&user=" + user) }
	},
	"accepting an invitation": func(w *backend) request {
		w.invite("umbrella", issuer, "bob")
		b := w.signedIn("bob")
		w.Restart()
		return func() httpbrowser.Response {
			return b.Post("/token", `{"organization":"umbrella","enter":true}`)
		}
	},
	"a sign-in that accepts an invitation": func(w *backend) request {
		w.invite("umbrella", issuer, "bob")
		b := w.browser()
		page := b.Login("organization=umbrella")
		w.Restart()
		return func() httpbrowser.Response {
			return b.Step(publicURL + "/callback?" + w.Provider.SignIn(page.URL.String(), "bob").Encode())
		}
	},
	"its callback": connected("organization=acme", directory.Provisioning{JustInTime: true}),
	"its callback, for nobody whom it admits": connected("organization=acme", directory.Provisioning{Claim: "amr", Groups: map[string][]string{"none": nil}}),
	"a browser that begins a hand-over": func(w *backend) request {
		b := w.signedIn("alice")
		w.Restart()
		return func() httpbrowser.Response { return b.Post("/handover", `{}`) }
	},
	"a browser that is handed over": func(w *backend) request {
		b := w.signedIn("alice")
		parent, _ := session.ParseID(w.mint(b, "acme").Session)
		var begun api.HandoverResponse
		b.Post("/handover", `{}`).JSON(w, &begun)
		code := handover.NewCode(parent, "org_acme", "desk", sibling+"/", begun.CodeChallenge, "key_1", w.Now().Unix())
		w.Hosts["localhost:9000"] = http.NotFoundHandler()
		w.Restart()
		return func() httpbrowser.Response {
			got := b.Tab().Submit(publicURL+"/handover/code", url.Values{"code": {code.Seal(w.Secret.Sealer(signingkey.ForHandovers))}})
			if got.URL.Host == "localhost:9000" { // it succeeded
				got.Status = http.StatusOK
			}
			return got
		}
	},
	"the key set": func(w *backend) request {
		return func() httpbrowser.Response { return w.browser().Get("/.well-known/jwks.json") }
	},
	"the key set of an organization whose keys are about to end": func(w *backend) request {
		w.rule(map[string]policy.Rules{"acme": requiresOwnKey})
		w.kids(acmeIssuer)
		w.rule(nil)
		w.cleanUp()
		w.rule(map[string]policy.Rules{"acme": requiresOwnKey})
		w.Restart()
		return func() httpbrowser.Response { return w.browser().Get("/o/org_acme/.well-known/jwks.json") }
	},
	"the metadata": func(w *backend) request {
		return func() httpbrowser.Response { return w.browser().Get("/.well-known/openid-configuration") }
	},
}

// connected returns the callback from an organization's own provider.
func connected(query string, with directory.Provisioning) func(*backend) request {
	return func(w *backend) request {
		p := w.connect("acme", with)
		b := w.browser()
		page := b.Login(query)
		w.Restart()
		return func() httpbrowser.Response {
			return b.Step(publicURL + "/callback/con_acme?" + p.SignIn(page.URL.String(), "zoe").Encode())
		}
	}
}

func signingOut(body string) func(*backend) request {
	return func(w *backend) request {
		b := w.signedIn("alice")
		w.Restart()
		return func() httpbrowser.Response { return b.Post("/logout", body) }
	}
}
