package jobs

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/ncruces/go-sqlite3"
	"github.com/stretchr/testify/require"

	"lethe/pipeline/notes"
	"lethe/pipeline/policy/reason"
)

// guides returns every page in Markdown below the root of the repository, by its path from there.
func guides(t *testing.T) map[string]string {
	t.Helper()
	pages := map[string]string{}
	require.NoError(t, fs.WalkDir(os.DirFS(".."), ".", func(path string, d fs.DirEntry, err error) error {
		hidden := strings.HasPrefix(d.Name(), ".") && path != "."
		if err == nil && d.IsDir() && (hidden || d.Name() == "testdata" || path == "var" || path == "bin") {
			return fs.SkipDir
		}
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		text, err := os.ReadFile(filepath.Join("..", path))
		pages[path] = string(text)
		return err
	}))
	require.Contains(t, pages, "README.md")
	require.Contains(t, pages, "jobs/docs/first-night.md")
	return pages
}

// page is a page in Markdown taken apart.
type page struct {
	prose  string // without fenced blocks
	blocks []block
}

// block is a fenced block of code.
type block struct {
	language, file string // what stands behind the opening fence: ```yaml lethe.yaml
	text           string
	walk           bool // between the marks of a walk-through
}

const walkBegins, walkEnds = "<!-- walk-through -->", "<!-- end of walk-through -->"

// parse takes a page apart. A line that is indented by four columns is code too, as in Markdown.
func parse(text string) page {
	var p page
	var prose strings.Builder
	var open *block
	walk, indented := false, block{}
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		switch fence, isFence := strings.CutPrefix(trimmed, "```"); {
		case isFence && open == nil:
			language, file, _ := strings.Cut(fence, " ")
			open = &block{language: language, file: file, walk: walk}
		case isFence:
			p.blocks, open = append(p.blocks, *open), nil
		case open != nil:
			open.text += line
		case trimmed == walkBegins || trimmed == walkEnds:
			walk = trimmed == walkBegins
		case strings.HasPrefix(line, "    "):
			indented.text += trimmed + "\n"
		default:
			prose.WriteString(line)
		}
	}
	p.prose = prose.String()
	p.blocks = append(p.blocks, indented)
	return p
}

var (
	link       = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	inlineCode = regexp.MustCompile("`[^`]*`")
	notInSlug  = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// anchors are the names that a page's headings can be linked by.
func anchors(text string) []string {
	var names []string
	for line := range strings.Lines(parse(text).prose) {
		if heading, ok := strings.CutPrefix(strings.TrimLeft(line, "#"), " "); ok && line[0] == '#' {
			slug := notInSlug.ReplaceAllString(strings.ToLower(strings.TrimSpace(heading)), "")
			names = append(names, strings.ReplaceAll(slug, " ", "-"))
		}
	}
	return names
}

// deadLinks are the relative links of a page that lead nowhere: a file that is not there, or a heading that
// is not in it.
func deadLinks(root, file, text string) []string {
	var dead []string
	for _, match := range link.FindAllStringSubmatch(inlineCode.ReplaceAllString(parse(text).prose, ""), -1) {
		target, anchor, anchored := strings.Cut(match[1], "#")
		if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
			continue
		}
		path, there := filepath.Join(root, filepath.Dir(file), target), text
		if target != "" {
			info, err := os.Stat(path)
			inside, _ := filepath.Rel(root, path)
			if err != nil || strings.HasPrefix(inside, "..") {
				dead = append(dead, match[1])
				continue
			}
			if anchored && !info.IsDir() {
				content, err := os.ReadFile(path)
				if err != nil {
					dead = append(dead, match[1])
					continue
				}
				there = string(content)
			}
		}
		if anchored && !slices.Contains(anchors(there), anchor) {
			dead = append(dead, match[1])
		}
	}
	return dead
}

func TestLinksOfTheGuidesLeadSomewhere(t *testing.T) {
	links := 0
	for file, text := range guides(t) {
		links += len(link.FindAllString(text, -1))
		require.Empty(t, deadLinks("..", file, text), "links of %s", file)
	}
	require.Greater(t, links, 30)
}

func TestDeadLinksAreFound(t *testing.T) {
	const text = "# One thing, and `another`\n\n[x](%s)\n\n```\n# no heading\n```\n"
	for _, c := range []struct {
		link string
		dead bool
	}{
		{"../../README.md", false},
		{"../docs", false},
		{"https://example.org/nowhere.md", false},
		{"#one-thing-and-another", false},
		{"#no-heading", true},
		{"#elsewhere", true},
		{"missing.md", true},
		{"../../README.md#no-such-heading", true},
		{"../../../outside.md", true},
	} {
		dead := deadLinks("..", "jobs/docs/x.md", fmt.Sprintf(text, c.link))
		require.Equal(t, c.dead, len(dead) > 0, c.link)
	}
}

// shellWords splits a line of a shell into its words, as far as guides use one: quotes, no further than a
// comment, a pipe, a redirection or the next command.
func shellWords(line string) (args []string, rest string) {
	var word strings.Builder
	quote, inside := rune(0), false
	end := func() {
		if inside {
			args, inside = append(args, word.String()), false
			word.Reset()
		}
	}
	for i, r := range line {
		switch {
		case quote != 0 && r == quote:
			quote = 0
		case quote != 0:
			word.WriteRune(r)
		case r == '\'' || r == '"':
			quote, inside = r, true
		case r == ' ':
			end()
		case strings.ContainsRune("|<>;&", r), r == '#' && !inside:
			end()
			return args, line[i:]
		default:
			inside = true
			word.WriteRune(r)
		}
	}
	end()
	return args, ""
}

// commandLines are the command lines of lethe in a text: those in blocks of code, each whole, and those that
// are named in a sentence, of which one may leave out the arguments.
func commandLines(text string) (whole, named []string) {
	p := parse(text)
	for _, b := range p.blocks {
		for line := range strings.Lines(strings.ReplaceAll(b.text, "\\\n", " ")) {
			for line = strings.TrimPrefix(strings.TrimSpace(line), "$ "); line != ""; {
				args, rest := shellWords(line)
				if len(args) > 0 && args[0] == "lethe" {
					whole = append(whole, strings.TrimSuffix(line, rest))
				}
				if strings.HasPrefix(rest, "#") {
					rest = ""
				}
				line = strings.TrimLeft(rest, " |<>;&")
			}
		}
	}
	for _, code := range inlineCode.FindAllString(strings.ReplaceAll(p.prose, "\n", " "), -1) {
		if code = strings.Trim(code, "`"); strings.HasPrefix(code, "lethe ") {
			named = append(named, code)
		}
	}
	return whole, named
}

// understood says what the command line does not understand of a line of a guide; nothing of it is run.
func understood(line string, whole bool) error {
	args, _ := shellWords(line)
	cmd, rest, err := root(&Command{Out: io.Discard, Err: io.Discard}).Find(args[1:])
	if err != nil {
		return err
	}
	if help := slices.Index(rest, "--help"); help >= 0 { // needs no arguments
		rest, whole = slices.Delete(rest, help, help+1), false
	}
	if err := cmd.ParseFlags(rest); err != nil {
		return err
	}
	if operands := cmd.Flags().Args(); len(operands) > 0 || whole {
		if cmd.HasSubCommands() && cmd.Use == cmd.Name() && len(operands) > 0 {
			return fmt.Errorf("%q is no command of %q", operands[0], cmd.CommandPath())
		}
		if err := cmd.ValidateArgs(operands); err != nil {
			return err
		}
	}
	if whole {
		return cmd.ValidateRequiredFlags()
	}
	return nil
}

func TestCommandLinesOfTheGuidesAreUnderstood(t *testing.T) {
	lines := 0
	for file, text := range guides(t) {
		whole, named := commandLines(text)
		for _, line := range whole {
			require.NoError(t, understood(line, true), "%s: %s", file, line)
		}
		for _, line := range named {
			require.NoError(t, understood(line, false), "%s: %s", file, line)
		}
		lines += len(whole) + len(named)
	}
	require.Greater(t, lines, 80)
}

func TestCommandLinesThatAreWrongAreFound(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"    lethe run --apply --until 05:00   # each night", ""},
		{"```\n$ lethe consent import --silo a --column \"E-Mail=email\" \\\n    list.csv > out\n```", ""},
		{"Ask with `lethe explain` or `lethe plan show PLAN`.", ""},
		{"    lethe run --aply", "unknown flag: --aply"},
		{"```\n$ lethe run --until\n```", "flag needs an argument"},
		{"`lethe run --apply=maybe`", "invalid argument"},
		{"    lethe runs", "unknown command"},
		{"`lethe consent imports`", "is no command of"},
		{"    lethe keys create && lethe registry initialise", "is no command of"},
		{"    lethe approve", "accepts 1 arg"},
		{"    lethe explain crm.customers", "requires at least 2 arg"},
		{"    lethe apply plan-7", "unknown command"},
		{"    lethe keys new", "required flag"},
	} {
		whole, named := commandLines(c.text)
		var wrong []error
		for _, line := range whole {
			wrong = append(wrong, understood(line, true))
		}
		for _, line := range named {
			wrong = append(wrong, understood(line, false))
		}
		require.NotEmpty(t, wrong, c.text)
		if c.want == "" {
			for _, err := range wrong {
				require.NoError(t, err, c.text)
			}
			continue
		}
		require.ErrorContains(t, wrong[len(wrong)-1], c.want, c.text)
	}
}

// code is a code of decisions, questions and remarks. Those of exceptions are more than the ones listed:
// deliveries have theirs.
var code = regexp.MustCompile(`\b[KDXIB]_[A-Z][A-Z0-9_]+\b`)

func TestCodesOfTheGuidesExist(t *testing.T) {
	known := map[string]bool{}
	for _, c := range notes.Codes() {
		known[c.Code] = true
	}
	pages := guides(t)
	for file, text := range pages {
		for _, c := range code.FindAllString(text, -1) {
			require.True(t, known[c], "%s: %s", file, c)
		}
	}
	for _, c := range reason.Codes() {
		if code.MatchString(string(c)) && !strings.HasPrefix(string(c), "I_") {
			require.Contains(t, pages["pipeline/policy/README.md"], "`"+string(c)+"`")
		}
	}
}

func TestTheFrontPageIsShort(t *testing.T) {
	text := guides(t)["README.md"]
	require.LessOrEqual(t, strings.Count(text, "\n"), 120)
	for line := range strings.Lines(text) {
		require.LessOrEqual(t, utf8.RuneCountInString(line), 111, line) // its end counts
	}
}

func TestTheArchitectureNamesEveryPackage(t *testing.T) {
	page, packages := guides(t)["pipeline/README.md"], 0
	require.NoError(t, filepath.WalkDir("../pipeline", func(path string, d fs.DirEntry, err error) error {
		sources, _ := filepath.Glob(filepath.Join(path, "*.go"))
		if err != nil || !d.IsDir() || len(sources) == 0 || strings.HasSuffix(path, "test") {
			return err
		}
		packages++
		require.Regexp(t, `\b`+filepath.Base(path)+`\b`, page)
		return nil
	}))
	require.Greater(t, packages, 20)
}

// walker does what a walk-through says, in a folder of its own, in the night of 20 November 2026.
type walker struct {
	t      *testing.T
	placed map[string]string // what a name in capitals stands for: PLAN, ANNA-KEY
}

// Parts of an output that are others each time, and what a guide writes in their place.
var changing = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}-(destructive|reversible)`), "PLAN"},
	{regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`), "RUN"},
	{regexp.MustCompile(`[0-9a-f]{64}`), "DIGEST"},
	{regexp.MustCompile(`lethe-ed25519:[A-Za-z0-9+/=]+`), "lethe-ed25519:..."},
}

func TestWalkThroughs(t *testing.T) {
	walks := 0
	for file, text := range guides(t) {
		if !strings.Contains(text, walkBegins) {
			continue
		}
		walks++
		t.Run(file, func(t *testing.T) {
			t.Chdir(t.TempDir())
			w := walker{t, map[string]string{}}
			for _, b := range parse(text).blocks {
				switch {
				case !b.walk:
				case b.file != "":
					require.NoError(t, os.WriteFile(b.file, []byte(w.place(b.text)), 0o600))
				case b.language == "console":
					w.console(b.text)
				default:
					t.Errorf("a block of a walk-through is a file or a console: %s", b.text)
				}
			}
		})
	}
	require.Positive(t, walks)
}

// place puts in what names in capitals stand for.
func (w *walker) place(text string) string {
	for name, value := range w.placed {
		text = strings.ReplaceAll(text, name, value)
	}
	return text
}

// console runs the lines of a block that begin with $, and compares what each prints with the lines below it.
func (w *walker) console(text string) {
	for _, step := range strings.Split("\n"+text, "\n$ ")[1:] {
		line, want, _ := strings.Cut(step, "\n")
		got := w.run(w.place(line))
		if args, _ := shellWords(line); len(args) > 4 && args[1] == "keys" && args[2] == "new" {
			name := strings.ToUpper(strings.TrimSuffix(args[4], ".key")) + "-KEY"
			w.placed[name] = strings.TrimSpace(got)
		}
		if plan := changing[0].what.FindString(got); plan != "" {
			w.placed["PLAN"] = plan
		}
		for _, c := range changing {
			got = c.what.ReplaceAllString(got, c.as)
		}
		require.True(w.t, shows(want, got), "%s\nprints\n%s\nand the guide says\n%s", line, got, want)
	}
}

// run runs lethe, or SQL on a file of SQLite as its own command line does.
func (w *walker) run(line string) string {
	args, rest := shellWords(line)
	var out, errs bytes.Buffer
	switch args[0] {
	case "lethe":
		now := time.Date(2026, 11, 20, 0, 15, 0, 0, time.UTC)
		c := &Command{Out: &out, Err: &errs, Now: func() time.Time { return now }, Crash: func(string) {}}
		code := c.Run(args[1:])
		if rest == "|| echo $?" && code != 0 {
			fmt.Fprintln(&out, code)
		} else {
			require.Zero(w.t, code, "%s: %s", line, &errs)
		}
	case "sqlite3":
		sql := strings.Join(args[2:], " ")
		if file, ok := strings.CutPrefix(rest, "< "); ok {
			text, err := os.ReadFile(file)
			require.NoError(w.t, err)
			sql = string(text)
		}
		w.sql(&out, args[1], sql)
	default:
		w.t.Fatalf("a walk-through runs lethe and sqlite3, and not %s", args[0])
	}
	return out.String()
}

func (w *walker) sql(out io.Writer, file, sql string) {
	db, err := sqlite3.Open(file)
	require.NoError(w.t, err)
	defer func() { require.NoError(w.t, db.Close()) }()
	for sql = strings.TrimSpace(sql); sql != ""; sql = strings.TrimSpace(sql) {
		stmt, tail, err := db.Prepare(sql)
		require.NoError(w.t, err)
		for stmt.Step() {
			values := make([]string, stmt.ColumnCount())
			for i := range values {
				values[i] = stmt.ColumnText(i)
			}
			fmt.Fprintln(out, strings.Join(values, "|"))
		}
		require.NoError(w.t, stmt.Close())
		sql = tail
	}
}

// shows reports whether an output is what a guide says: line by line, whatever the space between words is. A
// line of dots stands for any lines.
func shows(want, got string) bool {
	says, prints := lines(want), lines(got)
	if len(says) == 0 {
		return true
	}
	for len(says) > 0 {
		if says[0] == "..." {
			if says = says[1:]; len(says) == 0 {
				return true
			}
			i := slices.Index(prints, says[0])
			if i < 0 {
				return false
			}
			prints = prints[i:]
		}
		if len(prints) == 0 || prints[0] != says[0] {
			return false
		}
		says, prints = says[1:], prints[1:]
	}
	return len(prints) == 0
}

func lines(text string) []string {
	var out []string
	for line := range strings.Lines(text) {
		if fields := strings.Fields(line); len(fields) > 0 {
			out = append(out, strings.Join(fields, " "))
		}
	}
	return out
}

func TestAGuideThatSaysOtherThanWhatIsPrintedIsFound(t *testing.T) {
	for _, c := range []struct {
		want string
		ok   bool
	}{
		{"", true},
		{"one\ntwo  words\nthree", true},
		{"one\n...", true},
		{"...\nthree", true},
		{"one\n...\nthree", true},
		{"one", false},
		{"one\n...\nfour", false},
		{"two words\nthree", false},
		{"one\ntwo words\nthree\nfour", false},
	} {
		require.Equal(t, c.ok, shows(c.want, "one\ntwo words\n\nthree\n"), c.want)
	}
}
