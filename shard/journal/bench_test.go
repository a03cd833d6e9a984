package journal

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/holdfast-game/holdfast/cluster"
)

// benchRecord is about what a purchase journals.
var benchRecord = AppendRecord(nil, &Record{Shard: 7, Epoch: 3, Kind: "player", ID: "p-000123456", Seq: 99, Event: make([]byte, 100)})

var benchLogs atomic.Uint64

// benchLog names a log of its own for each run on one server.
func benchLog() cluster.LogName {
	return cluster.LogName(fmt.Sprintf("bench-%d", benchLogs.Add(1)))
}

// BenchmarkAppendIdle is the latency of one record on an idle log.
func BenchmarkAppendIdle(b *testing.B) {
	s := startServer(b, b.TempDir(), 0)
	for _, conn := range []struct {
		name string
		opts []nats.Option
	}{{"tcp", nil}, {"inprocess", []nats.Option{nats.InProcessServer(s)}}} {
		b.Run(conn.name, func(b *testing.B) {
			js := connect(b, s, conn.opts...)
			durable := make(chan Stamp, 16)
			cfg := testConfig()
			cfg.Name = benchLog()
			cfg.OnDurable = func(s Stamp) { durable <- s }
			l := openLog(b, js, cfg)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := l.Append(benchRecord, 1); err != nil {
					b.Fatal(err)
				}
				<-durable
			}
		})
	}
}

// BenchmarkAppendLoad appends as fast as the log takes it, from a closed loop
// of 512 callers that wait for durability, as the host's clients do.
func BenchmarkAppendLoad(b *testing.B) {
	s := startServer(b, b.TempDir(), 0)
	js := connect(b, s, nats.InProcessServer(s))
	const callers = 512
	slots := make(chan struct{}, callers)
	var l *Log
	var mu sync.Mutex
	var told Stamp
	cfg := testConfig()
	cfg.OnDurable = func(s Stamp) {
		mu.Lock()
		n := s - told
		told = s
		mu.Unlock()
		for range n {
			<-slots
		}
	}
	l = openLog(b, js, cfg)
	b.ReportAllocs()
	for b.Loop() {
		slots <- struct{}{}
		if _, err := l.Append(benchRecord, 1); err != nil {
			b.Fatal(err)
		}
	}
	if err := l.Wait(testContext(b), l.End()); err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
	b.ReportMetric(float64(b.N)/float64(l.DurableSeq()), "records/entry")
}

// BenchmarkAppend is Append alone, without a server behind it.
func BenchmarkAppend(b *testing.B) {
	buf := newBuffer("n1-7", 512<<10, 65_536)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := buf.append(benchRecord, 1); err != nil {
			b.Fatal(err)
		}
		if buf.backlog.Load() >= 2000 {
			buf.release(buf.take())
		}
	}
}

// BenchmarkScan is what recovery reads, records per second.
func BenchmarkScan(b *testing.B) {
	s := startServer(b, b.TempDir(), 0)
	js := connect(b, s, nats.InProcessServer(s))
	l := openLog(b, js, testConfig())
	const records = 400_000
	for i := range records {
		if _, err := l.Append(benchRecord, 1); err != nil {
			b.Fatal(err)
		}
		if i%10_000 == 0 {
			if err := l.Wait(testContext(b), l.End()); err != nil {
				b.Fatal(err)
			}
		}
	}
	if err := l.Wait(testContext(b), l.End()); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	start := time.Now()
	total := 0
	for b.Loop() {
		if _, _, err := Scan(testContext(b), js, testConfig().Name, 1, 0, func(e *Entry) error {
			total += len(e.Records)
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(total)/time.Since(start).Seconds(), "records/s")
}

// BenchmarkScanSmall is what recovery reads of a log that was written at leisure:
// entries per second, each with few records.
func BenchmarkScanSmall(b *testing.B) {
	s := startServer(b, b.TempDir(), 0)
	js := connect(b, s)
	l := openLog(b, js, testConfig())
	const entries = 8_000
	for range entries {
		for range 3 {
			if _, err := l.Append(benchRecord, 1); err != nil {
				b.Fatal(err)
			}
		}
		if err := l.Wait(testContext(b), l.End()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	total := 0
	for b.Loop() {
		if _, _, err := Scan(testContext(b), js, testConfig().Name, 1, 0, func(*Entry) error {
			total++
			return nil
		}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(total)/b.Elapsed().Seconds(), "entries/s")
}

func BenchmarkDecode(b *testing.B) {
	buf := newHeader(typeRecords, "n1-7")
	const records = 1000
	for range records {
		buf = append(buf, benchRecord...)
	}
	data := finishEntry(buf, headerSize("n1-7"), 1, records)
	var d decoder
	var e Entry
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if err := d.decode(data, &e); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(records)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}
