package launch

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
)

// TLS is how to find out that the cluster is who it should be: by the system's
// authorities, and those of CA. Connections of a WebSocket are meant: it offers no
// other protocol.
func (t Target) TLS() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.CA != "" {
		c.RootCAs, _ = t.authorities() // without its own it trusts fewer, never more
	}
	return c
}

// authorities are all those that are trusted.
func (t Target) authorities() (*x509.CertPool, error) {
	all, err := x509.SystemCertPool()
	if err != nil {
		all = x509.NewCertPool() // a container without any
	}
	if !all.AppendCertsFromPEM([]byte(t.CA)) {
		return all, errors.New("CA: there is no certificate in PEM in it")
	}
	return all, nil
}

// Transport carries HTTP to the cluster.
func (t Target) Transport() *http.Transport {
	own := http.DefaultTransport.(*http.Transport).Clone()
	own.TLSClientConfig = t.TLS()
	return own
}
