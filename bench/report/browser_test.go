package report

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/holdfast-game/holdfast/internal/browsertest"
)

// complaints are what a page throws, what the browser forbids it, and what it asks
// of a network.
type complaints struct {
	mu   sync.Mutex
	said []string
}

func (c *complaints) hear(event any) {
	text := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Text
		if thrown := e.ExceptionDetails.Exception; thrown != nil {
			text += ": " + thrown.Description
		}
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError || e.Entry.Level == log.EntryLevelWarning {
			text = fmt.Sprintf("%s: %s", e.Entry.Source, e.Entry.Text)
		}
	case *network.EventRequestWillBeSent:
		if e.Request != nil && !strings.HasPrefix(e.Request.URL, "file:") {
			text = "asks for " + e.Request.URL
		}
	}
	if text == "" {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, text)
}

// window is how a page is looked at.
type window struct {
	name          string
	width, height int64
	scheme        string
	media         string // "" for a screen
}

var windows = []window{
	{"desktop", 1280, 900, "light", ""},
	{"desktop-dark", 1280, 900, "dark", ""},
	{"phone", 390, 844, "light", ""},
	{"phone-dark", 340, 700, "dark", ""},
	{"paper", 760, 1000, "dark", "print"},
}

func TestPageInABrowser(t *testing.T) {
	browser := browsertest.Start(t, t.Context())
	quiet := troubledRun(t, "An evening in the world", 0)
	quiet.Ownership, quiet.Checks, quiet.Notes, quiet.Outcomes = nil, quiet.Checks[:2], nil, nil
	for i := range quiet.Series {
		quiet.Series[i].Errors = nil
	}
	short := troubledRun(t, "Half a second", 0)
	short.Seconds, short.Series, short.Ownership = 0.59, short.Series[:1], nil
	short.Series[0].Seconds = 0.59
	pages := []struct {
		name   string
		runs   []*Run
		charts int // how many there must be
		in     string
	}{
		{"quiet", []*Run{quiet}, 8, "desktop phone-dark"},
		{"troubled", []*Run{troubledRun(t, "A node dies", 1)}, 9, "desktop-dark phone paper"},
		{"pair", []*Run{troubledRun(t, "Before", 0), troubledRun(t, "After", 1)}, 9, "desktop phone-dark paper"},
		{"short", []*Run{short}, 8, "desktop phone"},
		{"empty", []*Run{{Version: Version, Name: "Nothing happened"}}, 0, "desktop"},
	}
	for _, p := range pages {
		file := savePage(t, p.name, p.runs...)
		for _, w := range windows {
			if slices.Contains(strings.Fields(p.in), w.name) {
				t.Run(p.name+"/"+w.name, func(t *testing.T) { look(t, browser, file, p.name, w, p.charts) })
			}
		}
	}
}

// look opens a page in a window, and expects so many charts and no complaints.
func look(t *testing.T, browser context.Context, file, name string, w window, charts int) {
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	defer cancel()
	var wrong complaints
	if err := chromedp.Listen(ctx, wrong.hear); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(w.width, w.height)); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: w.media, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: w.scheme}},
	}); err != nil {
		t.Fatal(err)
	}
	if err := chromedp.Do(ctx, chromedp.Navigate("file://"+file)); err != nil {
		t.Fatal(err)
	}
	drawn := evaluate[string](t, ctx, "document.body.dataset.drawn ?? 'the script did not end'")
	if want := fmt.Sprint(charts); drawn != want {
		t.Errorf("got %s charts, want %s", drawn, want)
	}
	if lost := evaluate[float64](t, ctx, "document.documentElement.scrollWidth - innerWidth"); lost > 0 {
		t.Errorf("the page is %v pixels wider than its window", lost)
	}
	if odd := evaluate[string](t, ctx, `[...document.querySelectorAll(".plot path, .plot rect, .plot line, .plot text")].map((e) => e.outerHTML)
		.filter((text) => /NaN|Infinity|undefined/.test(text)).join("\n")`); odd != "" {
		t.Errorf("drawn from what is no number: %s", odd)
	}
	if over := evaluate[string](t, ctx, overlaps); over != "" {
		t.Errorf("texts over each other: %s", over)
	}
	if twice := evaluate[string](t, ctx, sameTicks); twice != "" {
		t.Errorf("ticks that read the same: %s", twice)
	}
	if alone := evaluate[float64](t, ctx, `document.querySelectorAll("#throughput circle:not(.bead), #latency circle:not(.bead)").length`); alone != 0 {
		t.Errorf("%v stretches are points, want lines", alone)
	}
	if charts > 0 && w.media == "" {
		tip(t, ctx)
	}
	shoot(t, ctx, name+"-"+w.name)
	wrong.mu.Lock()
	defer wrong.mu.Unlock()
	for _, text := range wrong.said {
		t.Error(text)
	}
}

// overlaps names pairs of an axis's texts that cover each other.
const overlaps = `[...document.querySelectorAll(".plot svg")].flatMap((svg) => {
	const texts = [...svg.querySelectorAll("text")].map((e) => [e.textContent, e.getBoundingClientRect()]);
	return texts.flatMap(([a, r], i) => texts.slice(i + 1).filter(([, s]) =>
		r.left < s.right - 1 && s.left < r.right - 1 && r.top < s.bottom - 3 && s.top < r.bottom - 3).map(([b]) => svg.getAttribute("aria-label") + ": " + a + " and " + b));
}).join("; ")`

// sameTicks names texts that stand more than once along the bottom of a chart.
const sameTicks = `[...document.querySelectorAll(".plot svg")].flatMap((svg) => {
	const height = svg.viewBox.baseVal.height;
	const texts = [...svg.querySelectorAll("text")].filter((e) => Number(e.getAttribute("y")) === height - 6).map((e) => e.textContent);
	return texts.filter((a, i) => texts.indexOf(a) < i).map((a) => svg.getAttribute("aria-label") + ": " + a);
}).join("; ")`

// tip points at the first chart, where something was known, and expects to be told.
func tip(t *testing.T, ctx context.Context) {
	t.Helper()
	at := evaluate[[]float64](t, ctx, `(() => { const svg = document.querySelector(".plot svg");
		svg.scrollIntoView({ block: "center" });
		const box = svg.getBoundingClientRect();
		return [box.left + box.width * 0.55, box.top + box.height / 2]; })()`)
	if err := chromedp.Do(ctx, chromedp.MouseEvent("mouseMoved", at[0], at[1])); err != nil {
		t.Fatal(err)
	}
	if text := evaluate[string](t, ctx, "document.getElementById('tip').hidden ? '' : document.getElementById('tip').innerText"); !strings.Contains(text, "/s") {
		t.Errorf("pointing at a chart tells %q, want a rate", text)
	}
	if err := chromedp.Do(ctx, chromedp.MouseEvent("mouseMoved", 1, 1)); err != nil {
		t.Fatal(err)
	}
}

func evaluate[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("%s: %v", expression, err)
	}
	return v
}

// shoot saves a picture of the whole page, if pictures are wanted.
func shoot(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	if *pageShots == "" {
		return
	}
	picture, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(*pageShots, name+".png"), picture, 0o644)
	}
	if err != nil {
		t.Errorf("picture %s: %v", name, err)
	}
}
