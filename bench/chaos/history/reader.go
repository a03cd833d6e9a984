package history

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// ReadOps calls fn for every operation, in the order of the file, and returns
// when the recorder was created. The Op is used again after fn has returned;
// its strings may be kept. A last line without its end, as a recorder that was
// killed leaves it, is left out.
func ReadOps(r io.Reader, fn func(*Op) error) (begin time.Time, err error) {
	in := bufio.NewReaderSize(r, readBuffer)
	line, err := readLine(in, nil)
	if err != nil {
		return begin, fmt.Errorf("%w: no header: %w", ErrFormat, err)
	}
	var h header
	if err := json.Unmarshal(line, &h); err != nil || h.Format == 0 {
		return begin, fmt.Errorf("%w: the first line is no header", ErrFormat)
	}
	if h.Format != format {
		return begin, fmt.Errorf("%w: format %d, this program reads %d", ErrFormat, h.Format, format)
	}
	var op Op
	for n := 2; ; n++ {
		line, err = readLine(in, line)
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return h.Begin, nil
		case err != nil:
			return h.Begin, err
		}
		if err := parseOp(line, &op); err != nil {
			return h.Begin, fmt.Errorf("line %d: %w", n, err)
		}
		if err := fn(&op); err != nil {
			return h.Begin, err
		}
	}
}

// readBuffer is how much of a file is read at once.
const readBuffer = 256 << 10

// readLine returns the next line without its end, in buf if there is room. It
// fails with io.EOF, or io.ErrUnexpectedEOF for a line that is cut off.
func readLine(in *bufio.Reader, buf []byte) ([]byte, error) {
	buf = buf[:0]
	for {
		part, err := in.ReadSlice('\n')
		buf = append(buf, part...)
		switch {
		case err == nil:
			return bytes.TrimSuffix(buf, []byte{'\n'}), nil
		case errors.Is(err, bufio.ErrBufferFull):
		case errors.Is(err, io.EOF) && len(buf) > 0:
			return buf, io.ErrUnexpectedEOF
		default:
			return buf, err
		}
	}
}
