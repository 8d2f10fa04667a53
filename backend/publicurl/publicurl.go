// Package publicurl makes and checks the addresses that follow from a backend's public
// URL: the URL itself, the callbacks to register, and the return address of a sign-in.
package publicurl

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/tabard-auth/tabard/backend/api"
	"github.com/tabard-auth/tabard/backend/directory"
)

// Callback returns the redirect URI to register at the OpenID provider.
func Callback(publicURL string) string {
	return strings.TrimSuffix(publicURL, "/") + api.PathCallback
}

// Parse returns a base URL at which browsers store Secure cookies: https, or http on a
// loopback host.
func Parse(text string) (*url.URL, error) {
	public, err := url.Parse(text)
	switch {
	case err != nil || public.Host == "" || public.User != nil || public.RawQuery != "" || public.Fragment != "":
		return nil, fmt.Errorf("public URL %q does not have the form https://app.example.com/auth", text)
	case public.Scheme == "http" && !directory.Loopback(public.Hostname()):
		return nil, fmt.Errorf("public URL %q uses http, but not on localhost: browsers would drop its cookies; use https", text)
	case public.Scheme != "https" && public.Scheme != "http":
		return nil, fmt.Errorf("public URL %q is neither https nor http", text)
	}
	return public, nil
}

// ConnectionCallback returns the redirect URI to register at the provider of an
// organization's own connection. Each connection has its own, so that no provider can
// answer for another (RFC 9700 section 4.4).
func ConnectionCallback(publicURL, connectionID string) string {
	return Callback(publicURL) + "/" + connectionID
}
