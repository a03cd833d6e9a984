package ctl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/ctl/show"
	"github.com/holdfast-game/holdfast/cmd/holdfast/internal/exit"
	adminv1 "github.com/holdfast-game/holdfast/proto/admin/v1"
	"github.com/holdfast-game/holdfast/proto/admin/v1/adminv1connect"
	clientv1 "github.com/holdfast-game/holdfast/proto/client/v1"
)

// lettersPerPage is how many letters are asked for at a time.
const lettersPerPage = 500

func deadLettersCommand(d *desk) *cobra.Command {
	c := &cobra.Command{
		Use:   "deadletters",
		Short: "Messages that made their actors fail",
		Long: `Messages that made their actors fail. Nothing came of them; they are kept so that the
defect can be found, and so that commands can be submitted again when it is repaired.`,
		Args: cobra.NoArgs,
	}
	c.AddCommand(listLettersCommand(d), replayLettersCommand(d), dropLettersCommand(d))
	return c
}

func listLettersCommand(d *desk) *cobra.Command {
	req := new(adminv1.DeadLettersRequest)
	c := &cobra.Command{
		Use:   "list",
		Short: "The letters, the oldest first",
		Args:  cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if req.GetLimit() == 0 {
				return exit.Unstarted(errors.New("--limit: 0, must be at least 1"))
			}
			_, err := call(c, d, adminv1connect.AdminServiceClient.DeadLetters, req, printLetters)
			return err
		},
	}
	f := c.Flags()
	f.Uint64Var(&req.After, "after", 0, "only letters behind this one")
	f.Uint32Var(&req.Limit, "limit", 100, "how many letters")
	return c
}

func printLetters(w io.Writer, m *adminv1.DeadLettersResponse) {
	fmt.Fprintln(w, "ID\tAT\tSHARD\tACTOR\tWHO\tMETHOD\tREQUEST\tBODY\tERROR")
	for _, l := range m.GetLetters() {
		who, method := l.GetFrom(), show.Dash(l.GetMethod())
		switch {
		case l.GetOperator():
			who = "an operator"
		case l.GetPlayer() != "":
			who = "player " + l.GetPlayer()
		case who == "" && l.GetMethod() == "":
			who, method = "its timer", "-"
		}
		fmt.Fprintf(w, "%d\t%s\t%d\t%s\t%s\t%s\t%d\t%s\t%s\n", l.GetId(), show.Exact(l.GetAt()), l.GetShard(), l.GetActor(),
			show.Dash(who), method, l.GetRequest(), show.Dash(l.GetBody()), l.GetError())
	}
	fmt.Fprintf(w, "\n%d of %d\n", len(m.GetLetters()), m.GetKept())
}

// parseLetters reads the numbers of letters, unless it is all of them.
func parseLetters(args []string, all bool) ([]uint64, error) {
	if all == (len(args) > 0) {
		return nil, errors.New("ID: give the numbers of letters, or --all")
	}
	ids := make([]uint64, len(args))
	for i, text := range args {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil || n == 0 {
			return nil, fmt.Errorf("ID: %q, must be the number of a letter", text)
		}
		ids[i] = n
	}
	return ids, nil
}

// allLetters calls f for each letter that there is now.
func allLetters(ctx context.Context, l *line, f func(*adminv1.DeadLetter)) error {
	var after uint64
	for {
		m, err := ask(ctx, l, adminv1connect.AdminServiceClient.DeadLetters, &adminv1.DeadLettersRequest{After: after, Limit: lettersPerPage})
		if err != nil {
			return err
		}
		for _, letter := range m.GetLetters() {
			f(letter)
			after = letter.GetId()
		}
		if len(m.GetLetters()) < lettersPerPage {
			return nil
		}
	}
}

var errNotAllAnswered = errors.New("not every command was carried out")

func replayLettersCommand(d *desk) *cobra.Command {
	var all bool
	var number uint64
	c := &cobra.Command{
		Use:   "replay ID...",
		Short: "Submit commands again, as their callers' new requests",
		Long: `Submit commands again, as the same callers, with new request numbers. A letter goes
when its command was carried out, or refused for good; it stays when nothing is known to
have come of it, and may be replayed again: whatever was asked before happens once.
Ends with 1 unless all commands were carried out.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			ids, err := parseLetters(args, all)
			if err == nil && number != 0 && len(ids) != 1 {
				err = errors.New("--request: is for one letter")
			}
			if err != nil {
				return exit.Unstarted(err)
			}
			return d.replay(c, ids, all, number)
		},
	}
	f := c.Flags()
	f.BoolVar(&all, "all", false, "all commands that are there now, the oldest first")
	f.Uint64Var(&number, "request", 0, "number of the new request (default: the player's next)")
	return c
}

// replay replays letters one after the other and prints what came of each. It
// goes on after a refusal, and stops at an error.
func (d *desk) replay(c *cobra.Command, ids []uint64, all bool, number uint64) error {
	l, err := d.dial()
	if err != nil {
		return exit.Unstarted(err)
	}
	ctx, cancel := context.WithTimeout(c.Context(), d.timeout)
	defer cancel()
	if all {
		err := allLetters(ctx, l, func(letter *adminv1.DeadLetter) {
			if letter.GetMethod() != "" {
				ids = append(ids, letter.GetId())
			}
		})
		if err != nil {
			return err
		}
	}
	var results []*adminv1.ReplayDeadLetterResponse
	var failed error
	for _, id := range ids {
		m, err := ask(ctx, l, adminv1connect.AdminServiceClient.ReplayDeadLetter, &adminv1.ReplayDeadLetterRequest{Id: id, Request: number})
		if err != nil {
			failed = err
			break
		}
		results = append(results, m)
		if m.GetCode() != clientv1.Code_CODE_UNSPECIFIED {
			failed = errNotAllAnswered
		}
	}
	if d.asJSON {
		err = printJSONLines(c.OutOrStdout(), results)
	} else if len(results) > 0 || failed == nil {
		err = printTable(c.OutOrStdout(), func(w io.Writer) { printReplays(w, results) })
	}
	return errors.Join(failed, err)
}

func printReplays(w io.Writer, results []*adminv1.ReplayDeadLetterResponse) {
	fmt.Fprintln(w, "ID\tREQUEST\tANSWER\tLETTER")
	for _, r := range results {
		answer, letter := "done", "kept"
		if r.GetCode() != clientv1.Code_CODE_UNSPECIFIED {
			answer = fmt.Sprintf("%s: %s", show.Code(r.GetCode()), r.GetText())
		}
		switch {
		case r.GetAgain() != 0:
			letter = fmt.Sprintf("is now %d", r.GetAgain())
		case r.GetDropped():
			letter = "dropped"
		}
		fmt.Fprintf(w, "%d\t%d\t%s\t%s\n", r.GetId(), r.GetRequest(), answer, letter)
	}
}

// printJSONLines prints one JSON text after the other.
func printJSONLines[M proto.Message](w io.Writer, messages []M) error {
	for _, m := range messages {
		if err := printJSON(w, m); err != nil {
			return err
		}
	}
	return nil
}

func dropLettersCommand(d *desk) *cobra.Command {
	var all bool
	req := new(adminv1.DropDeadLettersRequest)
	c := &cobra.Command{
		Use:   "drop ID...",
		Short: "Forget letters",
		Args:  cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) (err error) {
			if req.Ids, err = parseLetters(args, all); err != nil {
				return exit.Unstarted(err)
			}
			if all {
				l, err := d.dial()
				if err != nil {
					return exit.Unstarted(err)
				}
				ctx, cancel := context.WithTimeout(c.Context(), d.timeout)
				defer cancel()
				if err := allLetters(ctx, l, func(letter *adminv1.DeadLetter) { req.Through = letter.GetId() }); err != nil {
					return err
				}
				if req.GetThrough() == 0 {
					none := new(adminv1.DropDeadLettersResponse)
					return d.print(c, none, func(w io.Writer) { printDropped(w, none) })
				}
			}
			_, err = call(c, d, adminv1connect.AdminServiceClient.DropDeadLetters, req, printDropped)
			return err
		},
	}
	c.Flags().BoolVar(&all, "all", false, "all that are there now")
	return c
}

func printDropped(w io.Writer, m *adminv1.DropDeadLettersResponse) {
	fmt.Fprintf(w, "%d dropped\n", m.GetDropped())
}
