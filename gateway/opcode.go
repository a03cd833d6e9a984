package gateway

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"
)

// opcode is what a WebSocket frame is (RFC 6455, section 5.2).
type opcode byte

const (
	opContinuation opcode = 0x0
	opText         opcode = 0x1
	opBinary       opcode = 0x2
	opClose        opcode = 0x8
	opPing         opcode = 0x9
	opPong         opcode = 0xa
)

// A frame of RFC 6455:
//
//	byte 0    FIN (0x80), three reserved bits, opcode
//	byte 1    MASK (0x80), length: 0..125, 126: two more bytes, 127: eight more
//	          the length, big-endian
//	          the masking key, four bytes: from clients always, from servers never
//	          the payload
const (
	bitFinal    = 0x80
	bitsRsv     = 0x70
	bitsOpcode  = 0x0f
	bitMask     = 0x80
	bitsLength  = 0x7f
	length16    = 126
	length64    = 127
	maskBytes   = 4
	maxControl  = 125 // payload of a control frame
	maxHeader   = 2 + 8 + maskBytes
	bitsControl = 0x08
)

func (o opcode) control() bool { return o&bitsControl != 0 }

// appendHeader appends the header of a whole message of n bytes to a client.
func appendHeader(dst []byte, op opcode, n int) []byte {
	dst = append(dst, bitFinal|byte(op))
	switch {
	case n < length16:
		return append(dst, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, length16), uint16(n))
	default:
		return binary.BigEndian.AppendUint64(append(dst, length64), uint64(n))
	}
}

// appendClose appends a close frame. Text that does not fit is cut.
func appendClose(dst []byte, code int, text string) []byte {
	if len(text) > maxControl-2 {
		text = text[:maxControl-2]
		for !utf8.ValidString(text) { // cut within a letter
			text = text[:len(text)-1]
		}
	}
	dst = appendHeader(dst, opClose, 2+len(text))
	return append(binary.BigEndian.AppendUint16(dst, uint16(code)), text...)
}

// unmask removes the mask from a payload.
func unmask(key [maskBytes]byte, b []byte) {
	k32 := binary.LittleEndian.Uint32(key[:])
	k := uint64(k32)<<32 | uint64(k32)
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^k)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= key[i%maskBytes]
	}
}

// errTooBig: a message is beyond the limit of its size.
var errTooBig = errors.New("message too big")

// protocolError is what a client did against RFC 6455.
type protocolError string

func (e protocolError) Error() string { return string(e) }

// closedError says that the client has sent a close frame.
type closedError struct{ code int }

func (e closedError) Error() string { return fmt.Sprintf("closed by the client with %d", e.code) }

// What a close frame may say (RFC 6455, section 7.4, and the registry it began).
const (
	closeNoStatus       = 1005 // never sent: stands for a frame without a code
	firstPrivateClose   = 3000
	lastPrivateClose    = 4999
	lastRegisteredClose = 1014
)

// parseClose reads the payload of a close frame.
func parseClose(payload []byte) error {
	if len(payload) == 0 {
		return closedError{code: closeNoStatus}
	}
	if len(payload) == 1 {
		return protocolError("close code cut short")
	}
	code := int(binary.BigEndian.Uint16(payload))
	registered := code >= 1000 && code <= lastRegisteredClose && code != 1004 && code != closeNoStatus && code != 1006
	if !registered && (code < firstPrivateClose || code > lastPrivateClose) {
		return protocolError("bad close code")
	}
	if !utf8.Valid(payload[2:]) {
		return protocolError("close reason is not UTF-8")
	}
	return closedError{code: code}
}
