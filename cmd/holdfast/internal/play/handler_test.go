package play

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func minted(player string) (string, error) { return "token of " + player, nil }

// request sends one request, with what change makes of it.
func request(t *testing.T, h http.Handler, method, target, body string, change func(*http.Request)) *http.Response {
	t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/json")
	}
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func textOf(t *testing.T, resp *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestFiles(t *testing.T) {
	h := Handler(Config{})
	for _, tc := range []struct {
		target string
		status int
		kind   string
	}{
		{"/play/", 200, "text/html; charset=utf-8"},
		{"/play/index.html", 200, "text/html; charset=utf-8"},
		{"/play/play.js", 200, "text/javascript; charset=utf-8"},
		{"/play/play.css", 200, "text/css; charset=utf-8"},
		{"/play/icon.svg", 200, "image/svg+xml"},
		{"/play/files.go", 404, ""},
		{"/play/dist/index.html", 404, ""},
		{"/play/%2e%2e/files.go", 404, ""},
		{"/elsewhere", 404, ""},
	} {
		resp := request(t, h, "GET", tc.target, "", nil)
		if resp.StatusCode != tc.status {
			t.Errorf("%s: status %d, want %d", tc.target, resp.StatusCode, tc.status)
		}
		if tc.kind != "" && resp.Header.Get("Content-Type") != tc.kind {
			t.Errorf("%s: type %q, want %q", tc.target, resp.Header.Get("Content-Type"), tc.kind)
		}
		if tc.status == 200 && !strings.HasPrefix(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: policy %q", tc.target, resp.Header.Get("Content-Security-Policy"))
		}
	}
	for from, to := range map[string]string{"/": "/play/", "/play": "/play/"} {
		if got := request(t, h, "GET", from, "", nil).Header.Get("Location"); got != to {
			t.Errorf("%s goes to %q, want %q", from, got, to)
		}
	}
}

// The page may use nothing that its own policy forbids.
func TestPageKeepsItsPolicy(t *testing.T) {
	page := string(parts["index.html"].plain)
	for _, forbidden := range []string{"<style", " style=", " onclick", "javascript:", "//cdn", "https://"} {
		if strings.Contains(page, forbidden) {
			t.Errorf("index.html has %q", forbidden)
		}
	}
	for name, f := range parts {
		if f.kind == "" {
			t.Errorf("%s has no type", name)
		}
	}
}

func TestFilesAreSentOnce(t *testing.T) {
	h := Handler(Config{})
	first := request(t, h, "GET", "/play/play.css", "", func(r *http.Request) { r.Header.Set("Accept-Encoding", "br, gzip") })
	if first.Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("Content-Encoding: %q, want gzip", first.Header.Get("Content-Encoding"))
	}
	z, err := gzip.NewReader(first.Body)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(z); err != nil || string(text) != string(parts["play.css"].plain) {
		t.Errorf("what was sent is not the file: %v", err)
	}
	again := request(t, h, "GET", "/play/play.css", "", func(r *http.Request) { r.Header.Set("If-None-Match", first.Header.Get("ETag")) })
	if again.StatusCode != http.StatusNotModified || textOf(t, again) != "" {
		t.Errorf("the second time: status %d, want 304 and no text", again.StatusCode)
	}
	other := request(t, h, "GET", "/play/", "", func(r *http.Request) { r.Header.Set("If-None-Match", first.Header.Get("ETag")) })
	if other.StatusCode != http.StatusOK {
		t.Errorf("another file with that tag: status %d, want 200", other.StatusCode)
	}
	head := request(t, h, "HEAD", "/play/", "", nil)
	if head.StatusCode != http.StatusOK || textOf(t, head) != "" || head.ContentLength <= 0 {
		t.Errorf("HEAD: status %d, length %d", head.StatusCode, head.ContentLength)
	}
}

func TestToken(t *testing.T) {
	greeted := ""
	h := Handler(Config{Mint: minted, Greet: func(_ context.Context, player string) error {
		greeted = player
		return nil
	}})
	resp := request(t, h, "POST", "/play/token", `{"player": "Ann_1"}`, nil)
	var got given
	if err := json.NewDecoder(resp.Body).Decode(&got); err != nil || resp.StatusCode != http.StatusOK || got.Token != "token of Ann_1" {
		t.Errorf("status %d, %+v, %v", resp.StatusCode, got, err)
	}
	if greeted != "Ann_1" {
		t.Errorf("greeted %q, want Ann_1", greeted)
	}
	if cache := resp.Header.Get("Cache-Control"); cache != "no-store" {
		t.Errorf("Cache-Control: %q, want no-store", cache)
	}
}

func TestTokenRefuses(t *testing.T) {
	fails := errors.New("no")
	for name, tc := range map[string]struct {
		cfg    Config
		body   string
		change func(*http.Request)
		status int
		text   string
	}{
		"no key":       {Config{}, `{"player": "ann"}`, nil, 501, "signed elsewhere"},
		"no name":      {Config{Mint: minted}, `{}`, nil, 400, "player: must match"},
		"long name":    {Config{Mint: minted}, `{"player": "` + strings.Repeat("a", 17) + `"}`, nil, 400, "player: must match"},
		"odd name":     {Config{Mint: minted}, `{"player": "a/b"}`, nil, 400, "player: must match"},
		"new line":     {Config{Mint: minted}, `{"player": "ann\n"}`, nil, 400, "player: must match"},
		"not a name":   {Config{Mint: minted}, `{"player": 7}`, nil, 400, "must be like"},
		"not JSON":     {Config{Mint: minted}, `player=ann`, nil, 400, "must be like"},
		"two":          {Config{Mint: minted}, `{"player": "ann"}{}`, nil, 400, "nothing else"},
		"too much":     {Config{Mint: minted}, `{"player": "` + strings.Repeat("a", 2000) + `"}`, nil, 413, "at most"},
		"a form":       {Config{Mint: minted}, `{"player": "ann"}`, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415, "application/json"},
		"another site": {Config{Mint: minted}, `{"player": "ann"}`, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }, 403, "cross-origin"},
		"not by GET":   {Config{Mint: minted}, "", func(r *http.Request) { r.Method = "GET" }, 404, ""},
		"no greeting":  {Config{Mint: minted, Greet: func(context.Context, string) error { return fails }}, `{"player": "ann"}`, nil, 503, "try again"},
		"cannot sign":  {Config{Mint: func(string) (string, error) { return "", fails }}, `{"player": "ann"}`, nil, 500, "No token"},
	} {
		resp := request(t, Handler(tc.cfg), "POST", "/play/token", tc.body, tc.change)
		if text := textOf(t, resp); resp.StatusCode != tc.status || !strings.Contains(text, tc.text) {
			t.Errorf("%s: status %d %q, want %d with %q", name, resp.StatusCode, text, tc.status, tc.text)
		}
	}
}

func TestAddressesWait(t *testing.T) {
	h := Handler(Config{Mint: minted})
	from := func(addr string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = addr } }
	for range burst {
		if resp := request(t, h, "POST", "/play/token", `{"player": "ann"}`, from("192.0.2.1:1")); resp.StatusCode != http.StatusOK {
			t.Fatalf("status %d before there were %d", resp.StatusCode, burst)
		}
	}
	resp := request(t, h, "POST", "/play/token", `{"player": "ann"}`, from("192.0.2.1:2"))
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("Retry-After") == "" {
		t.Errorf("one too many: status %d, Retry-After %q", resp.StatusCode, resp.Header.Get("Retry-After"))
	}
	if resp := request(t, h, "POST", "/play/token", `{"player": "ann"}`, from("192.0.2.2:1")); resp.StatusCode != http.StatusOK {
		t.Errorf("another address: status %d", resp.StatusCode)
	}
}

func TestQueuesForgive(t *testing.T) {
	q, now := newQueues(), time.Unix(1_800_000_000, 0)
	for range burst {
		q.wait("192.0.2.1:1", now)
	}
	wait := q.wait("192.0.2.1:1", now)
	if wait <= 0 || wait > time.Second/perSecond {
		t.Errorf("waits %v, want up to %v", wait, time.Second/perSecond)
	}
	if again := q.wait("192.0.2.1:1", now); again != wait {
		t.Errorf("asking made the wait longer: %v, then %v", wait, again)
	}
	if later := q.wait("192.0.2.1:1", now.Add(wait)); later != 0 {
		t.Errorf("waits %v after the wait", later)
	}
}
