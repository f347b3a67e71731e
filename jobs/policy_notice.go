package jobs

import (
	"encoding/csv"
	"fmt"
	"html"
	"strings"

	"github.com/spf13/cobra"

	"lethe/pipeline/ask/processing"
	"lethe/pipeline/policy/words"
	"lethe/pipeline/setup"
)

func policyNoticeCommand(c *Command) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:   "notice",
		Short: "Print the retention table for the privacy notice, from the rules in force",
		Args:  cobra.NoArgs,
		Long: `Print, as a table, how long data are kept for which purpose and on which basis (Art. 13(2)(a),
14(2)(a)). Put what the notice says into a rule's notice_term, and lethe policy lint tells when the two drift apart.`,
		Example: "  lethe policy notice\n  lethe policy notice --format html",
		RunE: func(cmd *cobra.Command, _ []string) error {
			p, _, err := c.load(cmd.Context())
			if err != nil {
				return err
			}
			lines := []words.NoticeLine{}
			for _, s := range p.Silos {
				lines = append(lines, words.Notice(s, c.Now())...)
			}
			if c.json || format == "json" {
				return c.printJSON(lines)
			}
			return c.printNotice(lines, format)
		},
	}
	cmd.Flags().StringVar(&format, "format", "markdown", "markdown, csv, html (a table to be put into a page) or json")
	return cmd
}

func (c *Command) printNotice(lines []words.NoticeLine, format string) error {
	table := [][]string{{"collected as", "purpose", "legal basis", "data", "kept", "then"}}
	for _, l := range lines {
		table = append(table, []string{l.Silo, l.Purpose, l.Basis, l.Data, l.Kept, l.Then})
	}
	switch format {
	case "csv":
		return processing.WriteLines(csv.NewWriter(c.Out), table)
	case "html":
		fmt.Fprintln(c.Out, "<table>\n<thead>\n<tr>"+htmlCells("th scope=\"col\"", "th", table[0])+"</tr>\n</thead>\n<tbody>")
		for _, line := range table[1:] {
			fmt.Fprintln(c.Out, "<tr>"+htmlCells("td", "td", line)+"</tr>")
		}
		fmt.Fprintln(c.Out, "</tbody>\n</table>")
	case "markdown":
		for i, line := range table {
			fmt.Fprintln(c.Out, "| "+strings.Join(line, " | ")+" |")
			if i == 0 {
				fmt.Fprintln(c.Out, strings.Repeat("|---", len(line))+"|")
			}
		}
	default:
		return fmt.Errorf("%w: --format %q: use markdown, csv, html or json", setup.ErrUsage, format)
	}
	return nil
}

func htmlCells(open, end string, cells []string) string {
	var b strings.Builder
	for _, cell := range cells {
		fmt.Fprintf(&b, "<%s>%s</%s>", open, html.EscapeString(cell), end)
	}
	return b.String()
}
