package history

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// A folder holds
//
//	operations.jsonl  what clients asked and were answered
//	log.jsonl         the log, as `holdfast log dump` prints it
//	books.json        the cluster's accounts at the end
//
// operations.jsonl, version 1, is one JSON object a line. The first is the
// header; the others are operations, in the order in which they ended, more or
// less. What is 0 or empty is left out. Times are nanoseconds since begin.
//
//	{"format":1,"begin":"2026-11-27T18:00:00.25Z"}
//	{"kind":"stock","sku":"sword","quantity":1000,"invoke":5200,"return":90100,"outcome":"ok"}
//	{"kind":"grant","client":"ann","amount":500,"invoke":91000,"return":99000,"outcome":"ok"}
//	{"kind":"buy","client":"ann","sku":"sword","request":1,"quantity":2,"invoke":100000,"return":900000,"outcome":"ok","price":10,"balance":490}
//	{"kind":"buy","client":"ann","sku":"sword","request":2,"quantity":2,"invoke":950000,"return":990000,"outcome":"refused","code":"SOLD_OUT"}
//	{"kind":"buy","client":"ann","sku":"sword","request":3,"quantity":2,"invoke":995000,"return":999000,"outcome":"unknown","code":"UNAVAILABLE"}
//	{"kind":"read","client":"ann","invoke":1000000,"return":1100000,"outcome":"ok","balance":490}
const (
	// OperationsFile, LogFile and BooksFile are the names inside a folder.
	OperationsFile = "operations.jsonl"
	LogFile        = "log.jsonl"
	BooksFile      = "books.json"

	format = 1
)

type header struct {
	Format int       `json:"format"`
	Begin  time.Time `json:"begin"`
}

// ErrFormat: a file does not hold what it should.
var ErrFormat = errors.New("not a history")

// opLine is an Op as it is read.
type opLine struct {
	Kind     Kind    `json:"kind"`
	Client   string  `json:"client"`
	SKU      string  `json:"sku"`
	Request  uint64  `json:"request"`
	Quantity int64   `json:"quantity"`
	Invoke   int64   `json:"invoke"`
	Return   int64   `json:"return"`
	Outcome  Outcome `json:"outcome"`
	Code     string  `json:"code"`
	Order    string  `json:"order"`
	Price    int64   `json:"price"`
	Balance  int64   `json:"balance"`
	Amount   int64   `json:"amount"`
}

// appendOp appends the line of an operation, with its newline.
func appendOp(b []byte, op *Op) []byte {
	b = append(b, `{"kind":"`...)
	b = append(append(b, op.Kind...), '"')
	b = appendText(b, `,"client":`, op.Client)
	b = appendText(b, `,"sku":`, op.SKU)
	if op.Request != 0 {
		b = strconv.AppendUint(append(b, `,"request":`...), op.Request, 10)
	}
	b = appendInt(b, `,"quantity":`, op.Quantity)
	b = strconv.AppendInt(append(b, `,"invoke":`...), int64(op.Invoke), 10)
	b = strconv.AppendInt(append(b, `,"return":`...), int64(op.Return), 10)
	b = append(append(append(b, `,"outcome":"`...), op.Outcome...), '"')
	if op.Code != 0 {
		b = appendText(b, `,"code":`, codeName(op.Code))
	}
	b = appendText(b, `,"order":`, op.Order)
	b = appendInt(b, `,"price":`, op.Price)
	b = appendInt(b, `,"balance":`, op.Balance)
	b = appendInt(b, `,"amount":`, op.Amount)
	return append(b, '}', '\n')
}

func appendInt(b []byte, key string, v int64) []byte {
	if v == 0 {
		return b
	}
	return strconv.AppendInt(append(b, key...), v, 10)
}

func appendText(b []byte, key, text string) []byte {
	if text == "" {
		return b
	}
	b = append(b, key...)
	for i := range len(text) {
		if c := text[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(text) // cannot fail for a string
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), text...), '"')
}

func parseOp(line []byte, op *Op) error {
	var l opLine
	if err := json.Unmarshal(line, &l); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	*op = Op{
		Kind: l.Kind, Client: l.Client, SKU: l.SKU, Request: l.Request, Quantity: l.Quantity,
		Invoke: time.Duration(l.Invoke), Return: time.Duration(l.Return), Outcome: l.Outcome,
		Order: l.Order, Price: l.Price, Balance: l.Balance, Amount: l.Amount,
	}
	if l.Code != "" {
		op.Code = parseCode(l.Code)
	}
	return op.validate()
}

func (op *Op) validate() error {
	switch op.Outcome {
	case OK, Refused, Unknown:
	default:
		return fmt.Errorf("%w: outcome %q", ErrFormat, op.Outcome)
	}
	if op.Return < op.Invoke {
		return fmt.Errorf("%w: an operation of %s returned %s before it was invoked", ErrFormat, op.Client, op.Invoke-op.Return)
	}
	bad := false
	switch op.Kind {
	case Buy:
		bad = op.Client == "" || op.SKU == "" || op.Request == 0
	case Read:
		bad = op.Client == ""
	case Grant:
		bad = op.Client == "" || op.Amount <= 0
	case Stock:
		bad = op.SKU == "" || op.Quantity <= 0
	default:
		return fmt.Errorf("%w: kind %q", ErrFormat, op.Kind)
	}
	if bad {
		return fmt.Errorf("%w: %s of client %q, product %q, request %d, quantity %d, amount %d",
			ErrFormat, op.Kind, op.Client, op.SKU, op.Request, op.Quantity, op.Amount)
	}
	return nil
}

// codePrefix is left out of codes in files, as in the documentation.
const codePrefix = "CODE_"

func codeName(c clientv1.Code) string { return strings.TrimPrefix(c.String(), codePrefix) }

// parseCode reads what codeName wrote; a number is a code that this program has
// no name for.
func parseCode(name string) clientv1.Code {
	if c, ok := clientv1.Code_value[codePrefix+name]; ok {
		return clientv1.Code(c)
	}
	n, _ := strconv.ParseInt(name, 10, 32)
	return clientv1.Code(n)
}
