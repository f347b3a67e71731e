package delivery

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	utf "golang.org/x/text/encoding/unicode"

	"lethe/pipeline/policy/instant"
	"lethe/pipeline/registry/event"
	"lethe/pipeline/registry/identifier"
)

// readAll reads a delivery as an import does, and returns its events and what was refused.
func readAll(t *testing.T, in Import) (events []event.Event, report Report, err error) {
	t.Helper()
	in.Format, in.Source = CSV, "crm"
	report, err = Read(in, func(e *event.Event) error {
		c := *e
		c.Subjects = append([]event.Subject(nil), e.Subjects...)
		events = append(events, c)
		return nil
	})
	return events, report, err
}

func TestForeignFiles(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	require.NoError(t, err)
	const text = "E-Mail;Datum;Einwilligung;Fassung\r\nanna@m\u00fcller.de;24/06/2025 9:05;JA " +
		";Gr\u00f6\u00dfe\r\nbea@example.org;3.7.2025;nein;x\r\n"
	want := time.Date(2025, 6, 24, 9, 5, 0, 0, rome)
	for name, test := range map[string]struct {
		set  encoding.Encoding
		mark string
		say  string
	}{
		"UTF-8":                                {utf.UTF8, "", ""},
		"UTF-8, named":                         {utf.UTF8, "", "utf-8"},
		"UTF-8 with a mark":                    {utf.UTF8BOM, "", ""},
		"UTF-8 with a mark, and another name":  {utf.UTF8BOM, "", "windows-1252"},
		"Windows-1252":                         {charmap.Windows1252, "", "windows-1252"},
		"UTF-16 of Windows":                    {utf.UTF16(utf.LittleEndian, utf.UseBOM), "", ""},
		"UTF-16, big end first":                {utf.UTF16(utf.BigEndian, utf.UseBOM), "", ""},
		"UTF-16 with a mark, and another name": {utf.UTF16(utf.LittleEndian, utf.UseBOM), "", "windows-1252"},
		"UTF-16 without a mark":                {utf.UTF16(utf.LittleEndian, utf.IgnoreBOM), "", "utf-16le"},
	} {
		t.Run(name, func(t *testing.T) {
			content, err := test.set.NewEncoder().String(text)
			require.NoError(t, err)
			events, report, err := readAll(t, Import{Reader: strings.NewReader(content), Zone: rome,
				Encoding: test.say, Dates: instant.DayFirst,
				Columns: map[string]string{"E-Mail": "email", "Datum": "occurred_at", "Einwilligung": "type",
					"Fassung": "notice"},
				Words: map[string]map[string]string{"type": {"Ja": "given", "Nein": "withdrawn"}}})
			require.NoError(t, err)
			require.Empty(t, report.Rejects)
			require.Len(t, events, 2)
			require.Equal(t, event.Given, events[0].Type)
			require.Equal(t, "Gr\u00f6\u00dfe", events[0].Notice)
			require.Equal(t, []event.Subject{{Kind: identifier.Email, Value: "anna@m\u00fcller.de"}},
				events[0].Subjects)
			require.True(t, events[0].OccurredAt.Equal(want), events[0].OccurredAt)
			require.Equal(t, event.Withdrawn, events[1].Type)
			require.True(t, events[1].OccurredAt.Equal(time.Date(2025, 7, 4, 0, 0, 0, -1000, rome)), events[1].OccurredAt)
		})
	}
}

func TestDayOrder(t *testing.T) {
	for _, test := range []struct {
		order instant.Order
		value string
		want  string // RFC 3339, "" refused
	}{
		{"", "01/02/2026", ""},
		{instant.DayFirst, "01/02/2026", "2026-02-01T00:00:00Z"},
		{instant.MonthFirst, "01/02/2026", "2026-01-02T00:00:00Z"},
		{instant.DayFirst, " 1.2.2026 ", "2026-02-01T00:00:00Z"},
		{instant.DayFirst, "1-2-2026 07:08:09", "2026-02-01T07:08:09Z"},
		{instant.DayFirst, "01/02/2026, 7:08", "2026-02-01T07:08:00Z"},
		{instant.DayFirst, "2026-02-01", "2026-02-01T00:00:00Z"},
		{instant.DayFirst, "2026-02-01T10:00:00Z", "2026-02-01T10:00:00Z"},
		{instant.DayFirst, "31/02/2026", ""},
		{instant.MonthFirst, "31/01/2026", ""},
		{instant.DayFirst, "01/02/26", ""},
		{instant.DayFirst, "01/02.2026", ""},
		{instant.DayFirst, "1/2/2026 later", ""},
		{instant.DayFirst, "", ""},
	} {
		t.Run(string(test.order)+" "+test.value, func(t *testing.T) {
			events, report, err := readAll(t,
				Import{Dates: test.order, Reader: strings.NewReader("email,type,occurred_at\na@b.it,given,\"" +
					test.value + "\"\n")})
			require.NoError(t, err)
			if test.want == "" {
				require.Len(t, report.Rejects, 1)
				require.Equal(t, event.BadTime, report.Rejects[0].Reason)
				return
			}
			require.Len(t, events, 1)
			require.Equal(t, test.want, events[0].OccurredAt.Format(time.RFC3339))
		})
	}
}

// What stands where the names of columns should stand is never printed: it may be a person.
func TestNoHeader(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"an address":              {"secret@example.org,given,now\n", "holds values"},
		"a telephone number":      {"secret,+39 333 1234567,given\n", "holds values"},
		"a date":                  {"secret,given,2026-01-01\n", "holds values"},
		"Windows-1252":            {"secr\xe8t,type,occurred_at\n", "--encoding windows-1252"},
		"UTF-16 without its mark": {"s\x00e\x00c\x00r\x00e\x00t\x00\n\x00", "--encoding utf-16le"},
		"gzip":                    {"\x1f\x8b\x08\x08secret\x00\n", "unpack"},
		"JSON":                    {"{\"secret\": 1}\n", "--format jsonl, kantara or iso27560"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := readAll(t, Import{Reader: strings.NewReader(test.text)})
			require.ErrorIs(t, err, ErrUnreadable)
			require.ErrorContains(t, err, test.want)
			require.NotContains(t, err.Error(), "secr")
			require.NotContains(t, err.Error(), "333")
		})
	}
	_, _, err := readAll(t, Import{Reader: strings.NewReader("E-Mail|When|Note 2025|type\n")})
	require.ErrorContains(t, err, `column "E-Mail" is not known: say what it is, as --column "E-Mail=email", or `+
		`ignore it, as --column "E-Mail="; neither are "When", "Note 2025"`)
	for name, in := range map[string]Import{
		"encoding":                {Encoding: "ebcdic-9"},
		"order of dates":          {Dates: "ymd"},
		`a word for column "typ"`: {Words: map[string]map[string]string{"typ": {"Ja": "given"}}},
	} {
		in.Reader = strings.NewReader("email,type,occurred_at\n")
		_, _, err := readAll(t, in)
		require.ErrorIs(t, err, ErrUnreadable)
		require.ErrorContains(t, err, name)
	}
}

// TestTimesThatTheClocksRepeat lets a grant be at the first of two instants, and what ends one at the last, whichever
// column comes first.
func TestTimesThatTheClocksRepeat(t *testing.T) {
	rome, err := time.LoadLocation("Europe/Rome")
	require.NoError(t, err)
	for _, c := range []struct{ text, want string }{
		{"email,type,occurred_at\na@b.it,given,2026-10-25 02:30\n", "2026-10-25T00:30:00Z"},
		{"email,occurred_at,type\na@b.it,2026-10-25 02:30,given\n", "2026-10-25T00:30:00Z"},
		{"email,occurred_at,type\na@b.it,2026-10-25 02:30,renewed\n", "2026-10-25T00:30:00Z"},
		{"email,occurred_at,type\na@b.it,2026-10-25 02:30,withdrawn\n", "2026-10-25T01:30:00Z"},
		{"email,occurred_at,type\na@b.it,2026-10-25 02:30,objected\n", "2026-10-25T01:30:00Z"},
		{"email,occurred_at,type\na@b.it,2026-03-29 02:30,given\n", "2026-03-29T00:30:00Z"},
		{"email,occurred_at,type\na@b.it,2026-03-29 02:30,refused\n", "2026-03-29T01:30:00Z"},
		{"email,occurred_at,type\na@b.it,2026-10-25 02:30 CET,given\n", "2026-10-25T01:30:00Z"},
		{"sep=;\nemail;occurred_at;type\na@b.it;2026-03-01;given\n", "2026-02-28T23:00:00Z"},
	} {
		events, report, err := readAll(t, Import{Reader: strings.NewReader(c.text), Zone: rome, Notice: "v1"})
		require.NoError(t, err)
		require.Empty(t, report.Rejects, c.text)
		require.Equal(t, c.want, events[0].OccurredAt.UTC().Format(time.RFC3339), c.text)
	}
	_, report, err := readAll(t, Import{Zone: rome, Notice: "v1", Reader: strings.NewReader(
		"sep=;\r\nemail;occurred_at;type\r\na@b.it;1970-01-01;withdrawn\r\na@b.it;01/02/26;given\r\n")})
	require.NoError(t, err)
	require.Len(t, report.Rejects, 2)
	require.Equal(t, 3, report.Rejects[0].Line, "lines are counted as the file has them")
	require.Contains(t, report.Rejects[0].Why, "stands for none")
	require.Equal(t, instant.ShortYear.Error(), report.Rejects[1].Why)
}
