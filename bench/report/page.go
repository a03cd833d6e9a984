package report

import (
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
)

// The page's parts. Together they make one file.
var (
	//go:embed page/page.html
	pageHTML string
	//go:embed page/page.css
	pageStyle string
	//go:embed page/page.js
	pageScript string

	pageTemplate = template.Must(template.New("page").Parse(pageHTML))
)

// WritePage writes the page of one run, or of two side by side.
func WritePage(w io.Writer, runs ...*Run) error {
	v, err := newView(runs)
	if err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	digest := sha256.Sum256([]byte(pageScript))
	v.ScriptHash = "sha256-" + base64.StdEncoding.EncodeToString(digest[:])
	v.Style, v.Script = template.CSS(pageStyle), template.JS(pageScript)
	var text strings.Builder // nothing is written of a page that fails
	if err := pageTemplate.Execute(&text, v); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	if _, err := io.WriteString(w, text.String()); err != nil {
		return fmt.Errorf("write page: %w", err)
	}
	return nil
}
