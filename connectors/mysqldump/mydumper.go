package mysqldump

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lethe/connectors"
	"lethe/connectors/internal/anew"
	"lethe/connectors/internal/dumpfile"
	"lethe/connectors/internal/textfile"
)

// The folders of mydumper, by its sources: 0.9 to 1.0.

// metadataName is the file in which mydumper says when it began and ended, and since 0.12 what each table holds.
const metadataName = "metadata"

var (
	startedMark  = regexp.MustCompile(`^(# )?Started dump at: `)
	finishedMark = regexp.MustCompile(`(?m)^(?:# )?Finished dump at: (.*?)\s*$`)
	section      = regexp.MustCompile("^\\[[`\"]((?:[^`\"]|``|\"\")*)[`\"]\\.[`\"]((?:[^`\"]|``|\"\")*)[`\"]\\]\\s*$")
)

// metadata is what the file says.
type metadata struct {
	finished bool
	ended    string // when it was
	files    []tableFile
}

// tableFile is what mydumper says of a table: a section of the file, or a file of the table's own.
type tableFile struct {
	of       string // the file that says it
	database string
	table    string
	rows     int64 // -1: nothing is said
	sum      bool  // and a checksum of the data, that cannot be made anew
}

// readMetadata reads what mydumper says of the whole. real are the names of databases by those in names of files.
func readMetadata(path string, real map[string]string) (*metadata, error) {
	content, err := os.ReadFile(filepath.Join(path, metadataName))
	if err != nil {
		return nil, textfile.Error(err)
	}
	m := &metadata{}
	if found := finishedMark.FindSubmatch(content); found != nil {
		m.finished, m.ended = true, string(found[1])
	}
	for line := range bytes.Lines(content) {
		if found := section.FindSubmatch(bytes.TrimRight(line, "\r\n")); found != nil {
			t := tableFile{of: metadataName, database: string(found[1]), table: string(found[2]), rows: -1}
			if name, ok := real[t.database]; ok {
				t.database = name
			}
			m.files = append(m.files, t)
			continue
		}
		if len(line) > 0 && line[0] == '[' {
			m.files = append(m.files, tableFile{of: metadataName, rows: -1}) // of no table
			continue
		}
		if len(m.files) > 0 {
			m.files[len(m.files)-1].takes(line)
		}
	}
	m.files = slices.DeleteFunc(m.files, func(t tableFile) bool { return t.table == "" })
	return m, nil
}

// takes notes a line of a section.
func (t *tableFile) takes(line []byte) {
	switch key, value := keyed(line); key {
	case "real_table_name":
		if t.table != "" {
			t.table = value
		}
	case "rows":
		if n, err := strconv.ParseInt(value, 10, 64); err == nil {
			t.rows = n
		}
	case "data_checksum":
		t.sum = true
	}
}

func keyed(line []byte) (key, value string) {
	k, v, _ := strings.Cut(strings.TrimRight(string(line), "\r\n"), "=")
	return strings.ToLower(strings.TrimSpace(k)), strings.TrimSpace(v)
}

// holds compares what is said of tables with what was found.
func (m *metadata) holds(tables []*table) error {
	for _, said := range m.files {
		i := slices.IndexFunc(tables, func(t *table) bool {
			return t.ID == dumpfile.TableID{Database: said.database, Name: said.table}
		})
		if i < 0 || said.rows < 0 || tables[i].Seen == said.rows {
			continue
		}
		return fmt.Errorf("%s says that table %s has %d rows, and its files hold %d: a file is missing, or cut off: %w",
			said.of, tables[i].Name, said.rows, tables[i].Seen, connectors.ErrDamaged)
	}
	return nil
}

// chunkName is the name of a file with some of the rows of a table, by its number.
var chunkName = regexp.MustCompile(`^(.*)\.(\d{5,})\.sql$`)

// gaps are, as tables that are not read, the files whose numbers are left out between others of a table of which no number
// of rows is said: before 0.10.7 mydumper says none, and writes no file for a chunk without rows, so that a lost file is not
// told from it.
func (m *metadata) gaps(rows []part) (lost []*table) {
	numbers := map[string][]int{}
	for _, p := range rows {
		if found := chunkName.FindStringSubmatch(packedSuffix.ReplaceAllString(p.name, "")); found != nil {
			n, _ := strconv.Atoi(found[2]) // digits
			numbers[found[1]] = append(numbers[found[1]], n)
		}
	}
	for prefix, list := range numbers {
		if slices.ContainsFunc(m.files, func(f tableFile) bool {
			return f.rows >= 0 && (f.of == metadataName || f.of == prefix+"-metadata")
		}) {
			continue
		}
		slices.Sort(list)
		for i := 1; i < len(list); i++ {
			if first := list[i-1] + 1; first < list[i] {
				t := &table{}
				t.Name = fmt.Sprintf("%s.%05d.sql", prefix, first)
				t.ID = dumpfile.TableID{Name: t.Name}
				t.Absent = fmt.Sprintf("no file of %s is of the numbers %d to %d: they are of rows that are not there, or were lost, "+
					"which mydumper does not say before 0.10.7", prefix, first, list[i]-1)
				lost = append(lost, t)
			}
		}
	}
	return lost
}

// rewritten is the file as it must be for other numbers of rows of some tables, whose data has no checksum any more.
func rewritten(content []byte, real map[string]string, rows map[dumpfile.TableID]int64) []byte {
	var out []byte
	// A table's own name may stand behind what names its section.
	var held [][]byte
	var at tableFile
	flush := func() {
		now, changed := rows[dumpfile.TableID{Database: at.database, Name: at.table}]
		for _, line := range held {
			switch key, _ := keyed(line); {
			case changed && key == "data_checksum":
			case changed && key == "rows":
				i := bytes.IndexByte(line, '=') + 1
				for i < len(line) && line[i] == ' ' {
					i++
				}
				end := i
				for end < len(line) && line[end] >= '0' && line[end] <= '9' {
					end++
				}
				out = append(append(strconv.AppendInt(append(out, line[:i]...), now, 10), line[end:]...), []byte{}...)
			default:
				out = append(out, line...)
			}
		}
		held, at = nil, tableFile{}
	}
	for line := range bytes.Lines(content) {
		if len(line) > 0 && line[0] == '[' {
			flush()
			if found := section.FindSubmatch(bytes.TrimRight(line, "\r\n")); found != nil {
				at = tableFile{database: string(found[1]), table: string(found[2])}
				if name, ok := real[at.database]; ok {
					at.database = name
				}
			}
		}
		at.takes(line)
		held = append(held, line)
	}
	flush()
	return out
}

// packedSuffix are the endings of packed files, which tell no more than their bytes do.
var packedSuffix = regexp.MustCompile(`\.(gz|zst)$`)

// The roles of files, by the endings of their names.
var (
	createName = regexp.MustCompile(`^(.*)-schema-create\.sql$`)
	schemaName = regexp.MustCompile(`^(.*)-schema(-view|-sequence)?\.sql$`)
	asideName  = regexp.MustCompile(`-schema-(post|triggers|create-tablespace)\.sql$|^all-schema-create-tablespace\.sql$|` +
		`-schema(-[a-z]+)*-checksum$|^not_updated_tables$`)
	tableName = regexp.MustCompile(`^(.*)-(metadata|checksum)$`)
	rowsName  = regexp.MustCompile(`\.sql$`)
	textName  = regexp.MustCompile(`\.(dat|csv|txt)$`)
	halfName  = regexp.MustCompile(`^metadata\.(partial|header)|^resume`)
)

// mydumper lists the files of mydumper.
func mydumper(path string, names []string) (x index, err error) {
	x = index{kind: byMydumper, texts: map[string]bool{}}
	real, err := databases(path, names)
	if err != nil {
		return x, err
	}
	if x.meta, err = readMetadata(path, real); err != nil {
		return x, err
	}
	var creates, tables, views []part
	for _, name := range names {
		plain := packedSuffix.ReplaceAllString(name, "")
		p := part{name: name}
		switch {
		case name == metadataName, anew.IsSidecar(name), asideName.MatchString(plain):
			continue
		case halfName.MatchString(name):
			x.meta.finished = false
			continue
		case createName.MatchString(plain):
			creates = append(creates, p)
			continue
		case textName.MatchString(plain):
			x.texts[name] = false
			continue
		}
		if p.database, err = databaseOf(plain, real); err != nil {
			return x, err
		}
		switch {
		case tableName.MatchString(plain):
			err = x.meta.add(path, name, p.database)
		case schemaName.MatchString(plain):
			if strings.HasSuffix(plain, "-schema.sql") {
				tables = append(tables, p)
			} else {
				views = append(views, p)
			}
		case rowsName.MatchString(plain):
			x.rows = append(x.rows, p)
		default:
			err = stranger(name, "mydumper writes none of such a name")
		}
		if err != nil {
			return x, err
		}
	}
	x.schema = slices.Concat(creates, views, tables) // of a view stands a table in its place
	return x, nil
}

// add notes a file NAME-metadata or NAME-checksum of a table, as mydumper 0.10 to 0.12 write them.
func (m *metadata) add(path, name, database string) error {
	found := tableName.FindStringSubmatch(name)
	if found == nil {
		return stranger(name, "mydumper packs none of such a name")
	}
	_, table, ok := strings.Cut(found[1], ".")
	if !ok {
		return stranger(name, "it is of no table")
	}
	t := tableFile{of: name, database: database, table: table, rows: -1, sum: found[2] == "checksum"}
	if !t.sum {
		content, err := textfile.Head(filepath.Join(path, name), 100)
		if err != nil {
			return err
		}
		if n, err := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64); err == nil {
			t.rows = n
		}
	}
	m.files = append(m.files, t)
	return nil
}

// databases are the names of databases by those that stand in names of files.
func databases(path string, names []string) (map[string]string, error) {
	real := map[string]string{}
	for _, name := range names {
		found := createName.FindStringSubmatch(packedSuffix.ReplaceAllString(name, ""))
		if found == nil {
			continue
		}
		head, err := textfile.Head(filepath.Join(path, name), 64<<10)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		real[found[1]] = found[1]
		l := lexer{b: head, eof: true}
		for t := l.next(); t.kind != endOfText; t = l.next() {
			if !t.is("CREATE") {
				continue
			}
			if t = l.next(); !t.is("DATABASE") && !t.is("SCHEMA") {
				continue
			}
			for t = l.next(); t.is("IF") || t.is("NOT") || t.is("EXISTS"); {
				t = l.next()
			}
			if t = l.asName(t); t.name() {
				real[found[1]] = t.text
			}
			break
		}
	}
	return real, nil
}

// databaseOf is the database that a file is about, by its name.
func databaseOf(name string, real map[string]string) (string, error) {
	var of []string
	for prefix := range real {
		if strings.HasPrefix(name, prefix+".") {
			of = append(of, prefix)
		}
	}
	switch {
	case len(of) == 1:
		return real[of[0]], nil
	case len(of) > 1:
		slices.Sort(of)
		return "", fmt.Errorf("%s may be of the database %s, or of %s: %w", name, of[0], of[1], connectors.ErrConfig)
	}
	prefix, _, ok := strings.Cut(name, ".")
	if !ok || len(real) > 0 {
		return "", stranger(name, "the folder has no database of its name")
	}
	return prefix, nil
}
