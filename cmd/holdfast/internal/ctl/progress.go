package ctl

import (
	"fmt"
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// progress shows how far an errand has got: a bar on a terminal, elsewhere a line
// whenever something has changed.
type progress struct {
	w     io.Writer
	doing string
	total int
	done  int
	bar   *progressbar.ProgressBar // nil where there is no terminal
}

func newProgress(w io.Writer, doing string, total int) *progress {
	p := &progress{w: w, doing: doing, total: total, done: -1}
	if f, ok := w.(*os.File); ok && total > 0 && term.IsTerminal(int(f.Fd())) {
		p.bar = progressbar.NewOptions(total,
			progressbar.OptionSetWriter(w),
			progressbar.OptionSetWidth(30),
			progressbar.OptionSetDescription(doing),
			progressbar.OptionShowCount(),
			progressbar.OptionSetPredictTime(false),
			// Block elements, which every terminal font has.
			progressbar.OptionSetTheme(progressbar.Theme{Saucer: "█", SaucerPadding: "░"}),
		)
	}
	return p
}

// set says how many steps are done.
func (p *progress) set(done int) {
	if done == p.done {
		return
	}
	p.done = done
	if p.bar != nil {
		_ = p.bar.Set(min(done, p.total)) // fails past the end only
		return
	}
	fmt.Fprintf(p.w, "%s: %d of %d shards\n", p.doing, done, p.total)
}

// end leaves the line to what is printed next.
func (p *progress) end() {
	if p.bar != nil {
		fmt.Fprintln(p.w)
	}
}
