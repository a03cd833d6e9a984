package chaos

import (
	"os/exec"
	"runtime"
	"sync"
)

// launcher starts processes from one thread, for as long as it is open: on Linux
// a process that dies with us (see withUs) dies with the thread that started it.
type launcher struct {
	jobs chan func()
	done sync.WaitGroup
}

func newLauncher() *launcher {
	l := &launcher{jobs: make(chan func())}
	l.done.Go(func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for job := range l.jobs {
			job()
		}
	})
	return l
}

func (l *launcher) start(cmd *exec.Cmd) error {
	withUs(cmd)
	result := make(chan error)
	l.jobs <- func() { result <- cmd.Start() }
	return <-result
}

// close ends the launcher; nothing is started any more.
func (l *launcher) close() {
	close(l.jobs)
	l.done.Wait()
}
