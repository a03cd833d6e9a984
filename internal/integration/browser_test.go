package integration

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var playShots = flag.String("play.shots", "", "folder to save pictures of the play page to")

// tab is one page of the browser, with a window and a memory of its own.
type tab struct {
	t    *testing.T
	name string
	ctx  context.Context

	mu    sync.Mutex
	wrong []string // what the page complained of
}

// openTab opens the page that a node serves, in a window of this size.
func openTab(t *testing.T, browser context.Context, name, listen string, width, height int64, options ...chromedp.EmulateViewportOption) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	t.Cleanup(cancel)
	p := &tab{t: t, name: name, ctx: ctx}
	if err := chromedp.Listen(ctx, p.hear); err != nil {
		t.Fatal(err)
	}
	p.do("open", chromedp.EmulateViewport(width, height, options...), chromedp.Navigate("http://"+listen+"/play/?name="+name))
	return p
}

// hear collects what the page throws, and what the browser forbids it.
func (p *tab) hear(event any) {
	text := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		text = e.ExceptionDetails.Text
		if thrown := e.ExceptionDetails.Exception; thrown != nil {
			text += ": " + thrown.Description
		}
	case *log.EventEntryAdded:
		// A server that goes away is what some tests are about.
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			text = fmt.Sprintf("%s: %s", e.Entry.Source, e.Entry.Text)
		}
	}
	if text == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrong = append(p.wrong, text)
}

// unharmed fails the test if the page has complained of anything.
func (p *tab) unharmed() {
	p.t.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, text := range p.wrong {
		p.t.Errorf("%s's page: %s", p.name, text)
	}
}

func (p *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, steps...); err != nil {
		p.t.Fatalf("%s: %s: %v", p.name, what, err)
	}
}

// value evaluates an expression in the page.
func value[T any](p *tab, expression string) T {
	p.t.Helper()
	v, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		p.t.Fatalf("%s: %s: %v", p.name, expression, err)
	}
	return v
}

// text returns what an element says.
func (p *tab) text(id string) string {
	p.t.Helper()
	return value[string](p, fmt.Sprintf("document.getElementById(%q).textContent", id))
}

// patience is for what the page and the cluster do together.
const patience = 20 * time.Second

// await waits until a condition holds in the page, by asking: the page's policy
// forbids the scripts that would tell. Meanwhile it does again and again what it
// is given to do.
func (p *tab) await(what, condition string, meanwhile ...func()) {
	p.t.Helper()
	ctx, cancel := context.WithTimeoutCause(p.ctx, patience, errors.New("it took too long"))
	defer cancel()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for !value[bool](p, condition) {
		for _, do := range meanwhile {
			do()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.shoot("failed-" + p.name)
			p.t.Fatalf("%s did not see that %s: %v\nthe page says:\n%s", p.name, what, context.Cause(ctx), value[string](p, "document.body.innerText"))
		}
	}
}

// click presses an element, wherever it is.
func (p *tab) click(id string) {
	p.t.Helper()
	p.do("click "+id, chromedp.Click(chromedp.ID(id)))
}

// key presses or releases a key.
func (p *tab) key(code string, down bool) {
	p.t.Helper()
	kind := input.DispatchKeyEventTypeKeyUp
	if down {
		kind = input.DispatchKeyEventTypeRawKeyDown
	}
	if _, err := chromedp.Call(p.ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: kind, Code: code}); err != nil {
		p.t.Fatalf("%s: key %s: %v", p.name, code, err)
	}
}

// press presses a key and releases it.
func (p *tab) press(code string) {
	p.t.Helper()
	p.key(code, true)
	p.key(code, false)
}

// drag moves a finger over the page, and keeps it there until lift.
func (p *tab) drag(fromX, fromY, toX, toY float64) {
	p.t.Helper()
	p.touch(input.DispatchTouchEventTypeTouchStart, &input.TouchPoint{X: fromX, Y: fromY})
	p.touch(input.DispatchTouchEventTypeTouchMove, &input.TouchPoint{X: toX, Y: toY})
}

func (p *tab) lift() {
	p.t.Helper()
	p.touch(input.DispatchTouchEventTypeTouchEnd)
}

func (p *tab) touch(kind input.DispatchTouchEventType, points ...*input.TouchPoint) {
	p.t.Helper()
	if points == nil {
		points = []*input.TouchPoint{} // not null
	}
	if _, err := chromedp.Call(p.ctx, input.DispatchTouchEvent, input.DispatchTouchEventParams{Type: kind, TouchPoints: points}); err != nil {
		p.t.Fatalf("%s: %s: %v", p.name, kind, err)
	}
}

// shoot saves a picture of the page, if pictures are wanted.
func (p *tab) shoot(name string) {
	p.t.Helper()
	if *playShots == "" {
		return
	}
	quality := int64(88)
	shot := chromedp.Action[[]byte](func(ctx context.Context, target *chromedp.Target) ([]byte, error) {
		r, err := cdp.Call(ctx, target, page.CaptureScreenshot, page.CaptureScreenshotParams{
			Format: page.CaptureScreenshotFormatJpeg, Quality: &quality,
		})
		return r.Data, err
	})
	picture, err := chromedp.Run(p.ctx, shot)
	if err == nil {
		err = os.WriteFile(filepath.Join(*playShots, name+".jpg"), picture, 0o644)
	}
	if err != nil {
		p.t.Errorf("picture %s: %v", name, err)
	}
}

// say types a line into the chat.
func (p *tab) say(line string) {
	p.t.Helper()
	p.do("say", chromedp.SendKeys(chromedp.ID("words"), line+"\r"))
}

// hears waits until a line is in the chat.
func (p *tab) hears(line string) {
	p.t.Helper()
	p.await("somebody said "+line, fmt.Sprintf("document.getElementById('lines').textContent.includes(%q)", line))
}

// place is the tooltip of a player in the list of those who are here.
func place(player string) string {
	return fmt.Sprintf("document.querySelector('#people li[data-player=%q]')?.title", player)
}

// sees waits until a player is in sight.
func (p *tab) sees(player string) {
	p.t.Helper()
	p.await(player+" is here", place(player)+"?.startsWith('at ') ?? false")
}

// seesMove waits until a player is somewhere else than now.
func (p *tab) seesMove(player string) {
	p.t.Helper()
	before := value[string](p, place(player)+" ?? ''")
	p.await(player+" moves", fmt.Sprintf("![%q, '', undefined].includes(%s)", before, place(player)))
}

// walkTo points at a place on the page's map.
func (p *tab) walkTo(x, y float64) {
	p.t.Helper()
	at := value[[]float64](p, fmt.Sprintf(`(() => {
		const map = document.getElementById('map'), box = map.getBoundingClientRect();
		const k = Math.min((box.width - 8) / 60, (box.height - 8) / 40);
		return [box.left + box.width / 2 + (%g - 30) * k, box.top + box.height / 2 - (%g - 20) * k];
	})()`, x, y))
	p.do("point at the map", chromedp.MouseClickXY(at[0], at[1]))
}

// arrives waits until the player is at a place.
func (p *tab) arrives(x, y float64) {
	p.t.Helper()
	p.await("the way has an end", fmt.Sprintf(`(() => {
		const [x, y] = document.getElementById('at').textContent.split(', ').map(Number);
		return Math.hypot(x - %g, y - %g) < 1;
	})()`, x, y))
}

// enter walks through the door.
func (p *tab) enter() {
	p.t.Helper()
	p.await("there is a door", "document.readyState === 'complete' && document.getElementById('name').value === '"+p.name+"'")
	p.click("go")
	p.await("the door is open", "document.body.dataset.scene === 'world'")
	p.await("the world moves", "/^[1-9][0-9]* Hz/.test(document.getElementById('ticks').textContent)")
}
