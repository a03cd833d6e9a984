package play

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// built is what `make js` makes of client/js/play.
//
//go:embed dist
var built embed.FS

// policy has browsers load and connect to nothing but this server.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// file is one part of the page, ready to be sent.
type file struct {
	kind    string
	tag     string
	plain   []byte
	gzipped []byte
}

// parts are the files by name.
var parts = mustRead(built)

func mustRead(from embed.FS) map[string]file {
	all := make(map[string]file)
	entries, err := fs.ReadDir(from, "dist")
	if err != nil {
		panic(fmt.Sprintf("play: %v", err)) // the program was built without them
	}
	for _, e := range entries {
		text, err := from.ReadFile("dist/" + e.Name())
		if err != nil {
			panic(fmt.Sprintf("play: %v", err))
		}
		sum := sha256.Sum256(text)
		all[e.Name()] = file{
			kind: types[path.Ext(e.Name())], tag: `"` + hex.EncodeToString(sum[:12]) + `"`,
			plain: text, gzipped: compress(text),
		}
	}
	return all
}

func compress(text []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, _ = w.Write(text) // memory takes everything
	_ = w.Close()
	return out.Bytes()
}

// serveFile answers with a part of the page. Browsers ask each time whether it is
// still the one that they have: a new version of the server has a new page.
func serveFile(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if name == "" {
		name = "index.html"
	}
	f, ok := parts[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("ETag", f.tag)
	h.Set("Cache-Control", "no-cache")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if strings.Contains(r.Header.Get("If-None-Match"), f.tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	text := f.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		text = f.gzipped
	}
	h.Set("Content-Length", strconv.Itoa(len(text)))
	if r.Method != http.MethodHead {
		_, _ = w.Write(text) // the browser may be gone
	}
}
