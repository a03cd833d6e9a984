package gateway_test

import (
	"log"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if task := os.Getenv(crowdEnv); task != "" {
		if err := crowd(task); err != nil {
			log.Fatal(err)
		}
		return
	}
	// net/http sleeps for half a second, by itself, before it closes a connection
	// that it has answered with an error.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}
