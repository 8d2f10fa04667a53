package login

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// redact returns a provider's texts without this server's secrets, however the provider
// quotes a request.
func (p *Provider) redact(secrets []string, parts ...string) string {
	replace := p.replacer(append(secrets, p.config.ClientSecret))
	for i := range parts {
		parts[i] = redactLayers(parts[i], replace)
	}
	return printable(parts...)
}

// maxLayers is how often a text may be escaped, in each of the ways.
const maxLayers = 4

// redactLayers redacts a text, and what it says without escapes. If secrets are in that
// alone, it is returned.
func redactLayers(text string, replace *strings.Replacer) string {
	text = replace.Replace(text)
	layer := text
	for range maxLayers {
		for _, unescape := range []func(string) string{unescapeHTML, unescapeJSON, unescapePercent} {
			layer = unescape(layer)
			if redacted := replace.Replace(layer); redacted != layer {
				text, layer = redacted, redacted
			}
		}
	}
	return text
}

// replacer replaces secrets, and the credentials that client_secret_basic makes of one (RFC
// 6749 section 2.3.1).
func (p *Provider) replacer(secrets []string) *strings.Replacer {
	var all []string
	id := p.config.ClientID
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		all = append(all, secret, strings.ReplaceAll(secret, " ", "+"))
		for _, credentials := range []string{id + ":" + secret, url.QueryEscape(id) + ":" + url.QueryEscape(secret)} {
			all = append(all, base64.RawStdEncoding.EncodeToString([]byte(credentials)), base64.RawURLEncoding.EncodeToString([]byte(credentials)))
		}
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) }) // one may begin with another
	var pairs []string
	for _, spelling := range all {
		pairs = append(pairs, spelling, "[secret]")
	}
	return strings.NewReplacer(pairs...)
}

var (
	percentEscape = regexp.MustCompile(`%[0-9a-fA-F]{2}`)
	jsonEscape    = regexp.MustCompile(`\\(?:u[0-9a-fA-F]{4}|.)`)
)

// htmlEscape is an escape of a character that HTML has a use for, or by its number. The
// table of all names in package html would weigh 40 KiB in the Worker.
var (
	htmlEscape = regexp.MustCompile(`&(?:#[0-9]+|#[xX][0-9a-fA-F]+|amp|lt|gt|quot|apos);`)
	htmlNames  = map[string]string{"amp": "&", "lt": "<", "gt": ">", "quot": `"`, "apos": "'"}
)

func unescapeHTML(text string) string {
	return htmlEscape.ReplaceAllStringFunc(text, func(escape string) string {
		name := escape[1 : len(escape)-1]
		number, numeric := strings.CutPrefix(name, "#")
		if !numeric {
			return htmlNames[name]
		}
		base := 10
		if digits := strings.TrimLeft(number, "xX"); digits != number {
			number, base = digits, 16
		}
		r, _ := strconv.ParseInt(number, base, 32)
		return string(rune(r))
	})
}

func unescapePercent(text string) string {
	return percentEscape.ReplaceAllStringFunc(text, func(escape string) string {
		b, _ := strconv.ParseUint(escape[1:], 16, 8) // two hexadecimal digits
		return string([]byte{byte(b)})
	})
}

// unescapeJSON returns a text without the escapes of JSON, of which a secret has no control
// characters.
func unescapeJSON(text string) string {
	return jsonEscape.ReplaceAllStringFunc(text, func(escape string) string {
		if r, err := strconv.ParseUint(escape[2:], 16, 16); err == nil && escape[1] == 'u' {
			return string(rune(r))
		}
		return escape[1:]
	})
}

// secretsOf returns the secrets that a request to a back-channel endpoint carries.
func secretsOf(request *http.Request) (secrets []string) {
	for _, name := range []string{"client_assertion", "client_secret", "refresh_token"} {
		secrets = append(secrets, request.PostForm.Get(name))
	}
	if _, escaped, ok := request.BasicAuth(); ok {
		if secret, err := url.QueryUnescape(escaped); err == nil {
			secrets = append(secrets, secret)
		}
	}
	return secrets
}
