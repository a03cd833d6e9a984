package replay

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-game/holdfast/bench/launch"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// identify makes a private authority and the certificate of 127.0.0.1.
func identify(t testing.TB) (ca string, host tls.Certificate) {
	t.Helper()
	sign := func(cert, by *x509.Certificate, key, byKey *ecdsa.PrivateKey) []byte {
		der, err := x509.CreateCertificate(rand.Reader, cert, by, &key.PublicKey, byKey)
		if err != nil {
			t.Fatal(err)
		}
		return der
	}
	newKey := func() *ecdsa.PrivateKey {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		return key
	}
	until := time.Now().Add(time.Hour)
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "a private authority"}, NotAfter: until,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	gateway := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "a gateway"}, NotAfter: until,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	authorityKey, gatewayKey := newKey(), newKey()
	der := sign(authority, authority, authorityKey, authorityKey)
	ca = string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return ca, tls.Certificate{Certificate: [][]byte{sign(gateway, authority, gatewayKey, authorityKey)}, PrivateKey: gatewayKey}
}

// save writes a certificate and its key to two files.
func save(t testing.TB, host tls.Certificate) (files []string) {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(host.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, block := range []*pem.Block{{Type: "CERTIFICATE", Bytes: host.Certificate[0]}, {Type: "PRIVATE KEY", Bytes: key}} {
		file := filepath.Join(dir, block.Type)
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// relay hands connections on to another address: what stands before a gateway.
type relay struct {
	listener net.Listener
	all      sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// startRelay accepts with l. piece is how many bytes are handed on at once; 0: any.
func startRelay(t testing.TB, l net.Listener, to string, piece func() int) *relay {
	r := &relay{listener: l, conns: make(map[net.Conn]bool)}
	r.all.Go(func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial("tcp", to)
			if err != nil {
				_ = in.Close()
				continue
			}
			r.join(in, out, piece)
			r.join(out, in, piece)
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		r.cut()
		r.all.Wait()
	})
	return r
}

func (r *relay) join(from, to net.Conn, piece func() int) {
	r.mu.Lock()
	r.conns[from] = true
	r.mu.Unlock()
	r.all.Go(func() {
		buffer := make([]byte, 32<<10)
		for {
			n, err := from.Read(buffer[:piece()])
			if _, werr := to.Write(buffer[:n]); err != nil || werr != nil {
				break
			}
		}
		_ = to.Close()
		r.mu.Lock()
		delete(r.conns, from)
		r.mu.Unlock()
	})
}

// cut breaks every connection off.
func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for c := range r.conns {
		if secured, ok := c.(*tls.Conn); ok {
			c = secured.NetConn() // without a farewell
		}
		_ = c.Close()
	}
}

func anyPiece() int { return 32 << 10 }

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// behindTLS puts TLS before a target's gateway and its admin listener.
func behindTLS(t testing.TB, target launch.Target) (launch.Target, *relay) {
	ca, host := identify(t)
	before := func(address string) *relay {
		return startRelay(t, tls.NewListener(listen(t), &tls.Config{Certificates: []tls.Certificate{host}}), address, anyPiece)
	}
	address := strings.TrimSuffix(strings.TrimPrefix(target.URL, "ws://"), "/v1/ws")
	gateway := before(address)
	operator := before(strings.TrimPrefix(target.Admin, "http://"))
	target.URL, target.Admin = "wss://"+gateway.listener.Addr().String()+"/v1/ws", "https://"+operator.listener.Addr().String()
	target.CA = ca
	return target, gateway
}

func TestReplayOverTLSAgainstANode(t *testing.T) {
	n := startNode(t, "--start-balance", "gold=1000000")
	target, _ := behindTLS(t, n.Target)
	r, err := Replay(t.Context(), Config{Tape: "../testdata/sale.tape", Speed: 10, Stock: 1000, Target: target, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	o := of(t, r, "buy")
	if o.Then["sold"] != 1000 || o.Now["sold"] != 1000 || o.Now["sold out"] != 600 || of(t, r, "connect").Now["welcomed"] != 20 || !allHold(r.Checks) {
		t.Errorf("got %+v and %+v, want as much sold as on the tape", o, r.Checks)
	}
}

// Whatever TCP makes of the records: what comes in pieces is put together.
func TestRecordsInPieces(t *testing.T) {
	m := openMarket(t, func(player string, b *clientv1.Buy) *clientv1.ServerFrame { return sell(player, b, 3) })
	target, gateway := behindTLS(t, m.target())
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	var mu sync.Mutex
	random := mathrand.New(mathrand.NewPCG(seed, 0))
	pieces := startRelay(t, listen(t), gateway.listener.Addr().String(), func() int {
		mu.Lock()
		defer mu.Unlock()
		return 1 + random.IntN(40)
	})
	target.URL = "wss://" + pieces.listener.Addr().String() + "/v1/ws"
	r := replayedAt(t, target, Config{Tape: sale(t), Scale: 5})
	if o := of(t, r, "buy"); o.Now["sold"] != 10 || o.Differ != 0 || !allHold(r.Checks) {
		t.Errorf("got %+v and %+v, want ten sales", o, r.Checks)
	}
}

func TestWhoCannotBeTrustedIsRefused(t *testing.T) {
	m := openMarket(t, func(player string, b *clientv1.Buy) *clientv1.ServerFrame { return sell(player, b, 3) })
	target, gateway := behindTLS(t, m.target())
	_, port, _ := net.SplitHostPort(gateway.listener.Addr().String())
	otherCA, _ := identify(t)
	for name, tc := range map[string]struct {
		url, ca string
		want    []string
	}{
		"unknown authority": {target.URL, "", []string{"secure connection to 127.0.0.1:" + port, "unknown authority", "--ca"}},
		"another authority": {target.URL, otherCA, []string{"secure connection to 127.0.0.1:" + port, "--ca"}},
		"another name":      {"wss://localhost:" + port + "/v1/ws", target.CA, []string{"secure connection to localhost:" + port, "localhost"}},
		"no TLS":            {strings.Replace(m.server.URL, "ws:", "wss:", 1), target.CA, []string{"does not look like a TLS handshake", "ws://"}},
		"nobody":            {"wss://127.0.0.1:1/v1/ws", target.CA, []string{"reach wss://127.0.0.1:1/v1/ws", "refused"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := Config{Tape: sale(t), Target: target, Stock: 1}
			cfg.Target.URL, cfg.Target.CA = tc.url, tc.ca
			_, err := Replay(t.Context(), cfg)
			for _, want := range tc.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want an error with %q", err, want)
				}
			}
		})
	}
	if len(m.heard) > 0 {
		t.Errorf("got %q, want nothing to be bought", m.heard)
	}
}

func TestConnectionOverTLSIsCut(t *testing.T) {
	m := openMarket(t, nil)
	target, gateway := behindTLS(t, m.target())
	m.answer = func(player string, b *clientv1.Buy) *clientv1.ServerFrame {
		if b.GetRequest() == 1 {
			gateway.cut()
			return refuse(clientv1.Code_CODE_OVERLOADED) // which nobody hears
		}
		return sell(player, b, 3)
	}
	r := replayedAt(t, target, Config{Tape: sale(t), Patience: 5 * time.Second})
	if o := of(t, r, "buy"); o.Now["disconnected"] != 1 || o.Now["sold"] != 1 {
		t.Errorf("got %+v, want the first lost and the second sold over another connection", o)
	}
	if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, "1 connections were lost") || !strings.Contains(notes, "1 connections were opened again") {
		t.Errorf("got %q, want to hear of it", notes)
	}
}
