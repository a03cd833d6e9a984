package journal
import ("testing";"os";"github.com/nats-io/nats.go")
func BenchmarkRaw(b *testing.B) {
	s := startServer(b, b.TempDir(), 0)
	js := connect(b, s, nats.InProcessServer(s))
	l := openLog(b, js, testConfig())
	_ = l
	for b.Loop() {
		if _, err := js.Publish(b.Context(), "holdfast.log.c1.hf_c1_log_n1-7.entry", benchRecord); err != nil { b.Fatal(err) }
	}
}
func BenchmarkFsync(b *testing.B) {
	f, _ := os.Create(b.TempDir()+"/x")
	for b.Loop() { f.Write(benchRecord); f.Sync() }
}
