package doctor

import (
	"crypto/x509"
	"errors"
	"net"
	"net/http"
)

// unreachable returns the advice for an error of the connection to a server, or otherwise.
func unreachable(err error, otherwise string) string {
	var (
		authority x509.UnknownAuthorityError
		name      x509.HostnameError
		invalid   x509.CertificateInvalidError
		dns       *net.DNSError
	)
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return "DNS does not know this name here: add the record, or correct the address."
	case errors.As(err, &dns):
		return "DNS does not answer here: check this machine's resolver."
	case errors.As(err, &authority):
		return "Let the server there send its chain with the intermediate certificates. If the authority is your own, let this command trust it (SSL_CERT_FILE names a file with its certificate), and the servers where they ask there."
	case errors.As(err, &name):
		return "The certificate there is of another name: get one for this name, or correct the address."
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "The certificate there has expired, or is not valid yet: renew it, reload what serves it, and check this machine's clock."
	case errors.As(err, &invalid):
		return "Replace the certificate there: no browser takes it."
	case errors.Is(err, http.ErrSchemeMismatch):
		return "What answers there speaks no TLS: let it, or correct the port."
	}
	return otherwise
}
