package picture

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"lethe/pipeline/audit"
)

var name, mail, diagnosis = Kind{Words: "person name", Direct: true}, Kind{Words: "email", Direct: true},
	Kind{Words: "health", Special: true}

// people is a table of persons.
func people(table string, refers ...Reference) Table {
	return Table{Name: table, Rows: 10, Subject: "person", Kinds: []Kind{name, mail}, Refers: refers}
}

func TestTablesStandByTheirDistanceToPeople(t *testing.T) {
	to := func(table string, fields ...string) (list []Reference) {
		for _, f := range fields {
			list = append(list, Reference{f, table})
		}
		return list
	}
	for about, c := range map[string]struct {
		tables []Table
		want   string
	}{
		"what refers to people, and what refers to that": {[]Table{people("customers"),
			{Name: "orders", Refers: to("customers", "customer")}, {Name: "lines", Refers: to("orders", "order")},
			{Name: "parts", Refers: to("lines", "line")}},
			"people: customers | one key away from people: orders | two keys away: lines"},
		"what people refer to, if there is something in it": {[]Table{people("customers", Reference{"a", "addresses"},
			Reference{"c", "countries"}), {Name: "addresses", Kinds: []Kind{{Words: "city"}}}, {Name: "countries"}},
			"people: customers | one key away from people: addresses"},
		"what shares an address is not about people": {[]Table{people("customers", Reference{"a", "addresses"}),
			{Name: "addresses", Kinds: []Kind{{Words: "city"}}}, {Name: "shops", Refers: to("addresses", "a")}},
			"people: customers | one key away from people: addresses"},
		"no key leads to it": {[]Table{people("customers"), {Name: "log", Kinds: []Kind{mail}}, {Name: "parts"}},
			"people: customers | no key leads to people: log"},
		"nor to what that refers to": {[]Table{people("customers"), {Name: "log", Kinds: []Kind{mail}, Refers: to("hosts", "h")},
			{Name: "hosts", Kinds: []Kind{mail}}}, "people: customers | no key leads to people: hosts, log"},
		"no people":       {[]Table{{Name: "log", Kinds: []Kind{mail}}}, "no key leads to people: log"},
		"a circle":        {[]Table{people("a", Reference{"x", "b"}), people("b", Reference{"x", "a"})}, "people: a | one key away from people: b"},
		"itself":          {[]Table{people("a", Reference{"boss", "a"})}, "people: a"},
		"what is missing": {[]Table{people("a", Reference{"x", "gone"})}, "people: a"},
		"who did something is not whom it is about": {[]Table{people("users"), people("person", to("users", "creator", "changer")...),
			{Name: "visits", Kinds: []Kind{diagnosis}, Refers: append(to("person", "p"), to("users", "creator", "changer")...)},
			{Name: "notes", Kinds: []Kind{diagnosis}, Refers: to("users", "creator", "changer")},
			{Name: "forms", Refers: to("users", "creator", "changer")}},
			"people: person, users | one key away from people: notes, visits"},
	} {
		t.Run(about, func(t *testing.T) {
			steps, apart := arrange(c.tables)
			var groups []string
			for _, g := range append(steps, apart) {
				var names []string
				for _, x := range g.tables {
					names = append(names, x.Name)
				}
				if len(names) > 0 {
					groups = append(groups, g.head+": "+strings.Join(names, ", "))
				}
			}
			require.Equal(t, c.want, strings.Join(groups, " | "))
		})
	}
}

func TestNothingPersonalIsNoPicture(t *testing.T) {
	require.Nil(t, Draw("crm", []Table{{Name: "parts"}}))
	require.Nil(t, Draw("crm", nil))
}

func TestAnInventoryIsDrawn(t *testing.T) {
	row := func(object, column, category, class string) audit.Inventory {
		return audit.Inventory{Object: object, Column: column, Category: category, Class: class, Rows: 1204, Silo: "a;b"}
	}
	table := row("customers", "", "personal", "personal")
	table.Subject = "person"
	key := row("orders", "customer", "none", "none")
	key.RefersTo = "customers.id"
	company := row("customers", "vat", "tax_id", "direct_identifier")
	company.Company = true
	gone := row("customers", "old", "phone", "direct_identifier")
	gone.Change = "gone"
	p := Of("crm", []audit.Inventory{table, row("customers", "name", "person_name", "direct_identifier"),
		row("customers", "first", "person_name", "direct_identifier"), company, gone,
		row("customers", "note", "free_text_possible_pii", "other"), row("customers", "ill", "health", "special"),
		row("orders", "", "none", "none"), key})
	require.Equal(t, []string{
		"customers, 1,204 rows, silo a, b: person name, free text, health (special).",
		"orders, 1,204 rows, silo a, b: no personal data of its own. Its customer refers to customers.",
	}, p.Words)
	require.Equal(t, "Tables of crm with personal data, by their foreign keys. People: 1 table; one key away from "+
		"people: 1 table.", p.Label)
	require.Len(t, p.Lines, 1)
	table.Environment = "backup"
	require.Nil(t, Of("dump", []audit.Inventory{table, row("customers", "name", "person_name", "direct_identifier")}))
}

// Whatever the tables are, boxes lie apart and inside the drawing, texts inside their boxes, lines go from box to box,
// each table with personal data is drawn or counted, and the same tables make the same picture.
func TestPicturesHoldTogether(t *testing.T) {
	path := regexp.MustCompile(`^M(\d+) (\d+)H(\d+)V(\d+)H(\d+)$`)
	rapid.Check(t, func(t *rapid.T) {
		var tables []Table
		n := rapid.IntRange(1, 120).Draw(t, "tables")
		names := rapid.SliceOfNDistinct(rapid.StringMatching(`[a-z_]{1,40}`), n, n, rapid.ID[string]).Draw(t, "names")
		personal := 0
		for _, name := range names {
			x := Table{Name: name, Rows: rapid.Int64Range(0, 1e12).Draw(t, "rows"),
				Subject: rapid.SampledFrom([]string{"", "person", "thing"}).Draw(t, "subject"),
				Silo:    rapid.SampledFrom([]string{"", "newsletter"}).Draw(t, "silo")}
			for range rapid.IntRange(0, 8).Draw(t, "kinds") {
				x.Kinds = append(x.Kinds, Kind{Words: rapid.StringMatching(`[a-z ]{3,30}`).Draw(t, "kind"),
					Direct: rapid.Bool().Draw(t, "direct"), Special: rapid.Bool().Draw(t, "special")})
			}
			personal += min(1, len(x.Kinds))
			for range rapid.IntRange(0, 3).Draw(t, "keys") {
				x.Refers = append(x.Refers, Reference{"f", rapid.SampledFrom(names).Draw(t, "to")})
			}
			tables = append(tables, x)
		}
		p := Draw("crm", tables)
		if personal == 0 {
			require.Nil(t, p)
			return
		}
		require.Equal(t, p, Draw("crm", tables))
		require.LessOrEqual(t, len(p.Boxes), 4*most)
		require.Len(t, p.Words, len(p.Boxes))
		left, more, all := 0, 0, 0
		steps, apart := arrange(tables)
		for _, g := range append(steps, apart) {
			all += len(g.tables)
		}
		if p.Left != "" {
			_, err := fmt.Sscanf(p.Left, "Not drawn: %d table", &more)
			require.NoError(t, err)
			_, err = fmt.Sscanf(p.Left[strings.Index(p.Left, "more, "):], "more, %d of them", &left)
			require.NoError(t, err)
		}
		require.Equal(t, all, len(p.Boxes)+more)
		drawn := 0
		sides := map[[2]int]bool{}
		for i, b := range p.Boxes {
			require.True(t, b.X >= 0 && b.Y >= 0 && b.X+b.Width <= p.Width && b.Y+b.Height <= p.Height)
			for _, o := range p.Boxes[:i] {
				apart := b.X >= o.X+o.Width || o.X >= b.X+b.Width || b.Y >= o.Y+o.Height || o.Y >= b.Y+b.Height
				require.True(t, apart, "%v %v", b, o)
			}
			for _, x := range b.Texts {
				require.True(t, x.X > b.X && x.Y > b.Y && x.Y < b.Y+b.Height)
				require.LessOrEqual(t, len([]rune(x.Words))*letter, b.Width)
			}
			if !strings.Contains(p.Words[i], "no personal data of its own") {
				drawn++
			}
			sides[[2]int{b.X, b.Y + b.Height/2}], sides[[2]int{b.X + b.Width, b.Y + b.Height/2}] = true, true
		}
		require.Equal(t, personal, drawn+left)
		for _, l := range p.Lines {
			m := path.FindStringSubmatch(l.Path)
			require.NotNil(t, m, l.Path)
			var x1, y1, turn, y2, x2 int
			_, err := fmt.Sscan(strings.Join(m[1:], " "), &x1, &y1, &turn, &y2, &x2)
			require.NoError(t, err)
			require.True(t, sides[[2]int{x1, y1}] && sides[[2]int{x2, y2}] && x1 < turn && turn < x2, l.Path)
		}
	})
}
