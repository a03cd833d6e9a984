package bench

import (
	"encoding/pem"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
)

// secured puts TLS before a market, as what stands before a cluster does.
func secured(t *testing.T, m *market) {
	t.Helper()
	behind, err := url.Parse(strings.Replace(m.at.URL, "ws:", "http:", 1))
	if err != nil {
		t.Fatal(err)
	}
	behind.Path = ""
	proxy := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(behind))
	t.Cleanup(proxy.Close)
	m.at.URL = strings.Replace(proxy.URL, "https:", "wss:", 1) + "/v1/ws"
	m.at.CA = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: proxy.Certificate().Raw}))
}

func TestSaleOverTLS(t *testing.T) {
	m := newMarket(t, nil)
	secured(t, m)
	cfg := SaleConfig{Players: 4, Stock: 50, Attempts: 90}.withDefaults()
	r, err := holdSale(t.Context(), cfg, m.at, m)
	if err != nil {
		t.Fatal(err)
	}
	if r.Purchases != 50 || r.SoldOut != 40 || !r.OK() {
		t.Errorf("got %+v, want 50 bought and 40 sold out", r)
	}
}

func TestSaleOverTLSWithSomebodyElse(t *testing.T) {
	m := newMarket(t, nil)
	secured(t, m)
	m.at.CA = ""
	if _, err := holdSale(t.Context(), SaleConfig{Players: 1, Attempts: 1}.withDefaults(), m.at, m); err == nil || !strings.Contains(err.Error(), "unknown authority") {
		t.Errorf("got %v, want to hear that nobody knows who it is", err)
	}
}
