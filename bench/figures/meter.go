package figures

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

const (
	// meterSteps is the resolution of a bar.
	meterSteps = 1000
	// linePause is the least time between two lines: a second, less what ticks that
	// come a few times a second are early.
	linePause = time.Second - 125*time.Millisecond
)

// Meter shows how far a run is: with a bar when it writes to a terminal, else with
// a line every second.
type Meter struct {
	w        io.Writer
	terminal bool
	bar      *progressbar.ProgressBar // nil before the first Tick
	last     time.Duration            // when the last line was written
}

// NewMeter returns a meter that writes to w.
func NewMeter(w io.Writer) *Meter {
	f, ok := w.(*os.File)
	return &Meter{w: w, terminal: ok && term.IsTerminal(int(f.Fd()))}
}

// Phase says that another part of the run begins.
func (m *Meter) Phase(name string) { fmt.Fprintln(m.w, name) }

// Tick says that a share of the run, 0 to 1, is done, and what there is to say
// about it. It should come a few times a second.
func (m *Meter) Tick(elapsed time.Duration, share float64, text string) {
	if !m.terminal {
		if elapsed-m.last >= linePause {
			m.last = elapsed
			fmt.Fprintf(m.w, "%5.1f s  %3.0f %%  %s\n", elapsed.Seconds(), 100*share, text)
		}
		return
	}
	if m.bar == nil {
		m.bar = progressbar.NewOptions(meterSteps,
			progressbar.OptionSetWriter(m.w),
			progressbar.OptionSetWidth(30),
			progressbar.OptionSetPredictTime(false),
			progressbar.OptionSetElapsedTime(false),
			// Block elements, which every terminal font has.
			progressbar.OptionSetTheme(progressbar.Theme{Saucer: "█", SaucerPadding: "░"}),
			progressbar.OptionShowDescriptionAtLineEnd(),
		)
	}
	m.bar.Describe(text)
	_ = m.bar.Set(int(share * meterSteps)) // fails past the end only
}

// Done ends the bar, if there is one.
func (m *Meter) Done() {
	if m.bar != nil {
		_ = m.bar.Finish()
		fmt.Fprintln(m.w)
	}
}
