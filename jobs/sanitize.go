package jobs

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"lethe/classifiers"
	"lethe/connectors"
	"lethe/jobs/config"
	"lethe/pipeline/ask"
	"lethe/pipeline/lent"
	"lethe/pipeline/policy/calendar"
	"lethe/pipeline/sanitize"
	"lethe/pipeline/sanitize/maker"
	"lethe/pipeline/sanitize/part"
	"lethe/pipeline/setup"
	"lethe/pipeline/shown"
)

func sanitizeCommand(c *Command) *cobra.Command {
	var to, rules, connector, people, share string
	var check bool
	var less part.Less
	var made terms
	cmd := &cobra.Command{
		Use:   "sanitize SOURCE --to TARGET",
		Short: "Copy a database or a dump for development and test: each value of a personal field is made up",
		Long: `Copy a dump (mysqldump, mydumper, pg_dump in any format, a script of SQL Server; packed or not), a SQLite database,
also one that is in use, or a database of MariaDB or PostgreSQL, of which the engine's own program takes a dump. The copy is a file
of the same format, or goes into an empty database of the engine. What is alike stays alike, in all tables: joins hold, and what
is unique stays so. Nothing that was read is kept; the key of which made-up values hang ends with the command.

Where SOURCE is the name of a source of the configuration, or --of names the live source of a dump, its silos are asked: who objected,
is blocked, or is to be erased, is left out, with all that refers to them.

With --people, or --rows, the copy has a part of the rows, in which each row that another one refers to is there.

Fields that look personal without being sure stop it, with the rules to write. The copy is searched for each value of a
personal field of five characters or more; where one is met, there is no copy.

What stays: fields in which nothing personal was found, countries, regions and genders, and so times, amounts, keys and the
order of rows. Somebody who has the original, or knows a person well, can tell them by those: the output names the fields by which
rows are found again. Give such a field a rule.`,
		Example: `  lethe sanitize crm.sql.zst --to test/crm.sql.zst --check   # what would be done; nothing is written
  lethe sanitize crm.sql.zst --to test/crm.sql.zst --rules crm.rules.yaml
  lethe sanitize postgres://lethe@db.example.org/crm --to postgres://dev@localhost/crm --people 200`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if to == "" && !check {
				return fmt.Errorf("%w: say where the copy goes: --to FILE, or the URL of an empty database", setup.ErrUsage)
			}
			if err := partOf(&less, people, share); err != nil {
				return err
			}
			said, err := config.SanitizeRules(rules)
			if err != nil {
				return err
			}
			job := sanitize.Job{From: args[0], To: to, Rules: said, Less: less, Check: check}
			return c.sanitize(cmd.Context(), job, connector, made)
		},
	}
	cmd.Flags().StringVar(&to, "to", "", "the copy: a file that is not there yet, or the URL of an empty database")
	cmd.Flags().StringVar(&people, "people", "", "copy so many people, and all that hangs on them: NUMBER, or TABLE=NUMBER")
	cmd.Flags().StringVar(&share, "rows", "", "copy such a share of the rows of each table, and what those refer to: 5%")
	cmd.Flags().StringVar(&less.Seed, "seed", "", "another text chooses other rows; the same one the same")
	cmd.Flags().StringVar(&rules, "rules", "", "YAML file that says of fields what is done: fields: {TABLE.FIELD: {do: WAY, because: ...}}")
	cmd.Flags().StringVar(&made.of, "of", "", "the source of the configuration that a dump is of: whom its silos do not let in is left out")
	cmd.Flags().BoolVar(&made.everybody, "everybody", false, "leave nobody out, whatever silos say")
	cmd.Flags().StringVar(&made.owner, "owner", "", "who answers for a copy of a source of the configuration")
	cmd.Flags().StringVar(&made.purpose, "purpose", "", "what it is for")
	cmd.Flags().StringVar(&made.until, "until", "", "the last day on which it may be there: 2006-01-02")
	cmd.Flags().StringVar(&connector, "connector", "", "open with this connector, whatever the name looks like")
	cmd.Flags().BoolVar(&check, "check", false, "say what would be done with each field, and write nothing")
	cmd.AddCommand(sanitizeListCommand(c), sanitizeDestroyedCommand(c))
	return cmd
}

// terms are of which source a copy is, and on what terms it is made.
type terms struct {
	of                    string
	everybody             bool
	owner, purpose, until string

	setup *setup.Setup // nil: the source is none of a configuration
}

// check refuses a copy of a governed source for which nobody answers.
func (t *terms) check(job sanitize.Job) error {
	if t.setup == nil || job.Check {
		return nil
	}
	if t.owner == "" || t.purpose == "" || t.until == "" {
		return fmt.Errorf("%w: a copy of a source of the configuration is kept in a list: say --owner, --purpose, and by --until the "+
			"last day on which it may be there", setup.ErrUsage)
	}
	day, err := calendar.ParseDate(t.until)
	if err != nil || day < calendar.DateOf(t.setup.Now(), t.setup.Zone) {
		return fmt.Errorf("%w: --until %s: say a day to come: 2006-01-02", setup.ErrUsage, t.until)
	}
	return nil
}

// note keeps that a copy was made.
func (t *terms) note(job sanitize.Job, r *sanitize.Report) (id string, err error) {
	if t.setup == nil {
		return "", nil
	}
	made := lent.Copy{ID: nameOf("", "copy-"), Source: t.of, To: job.To, Owner: t.owner, Purpose: t.purpose, MadeAt: t.setup.Now().UTC(),
		Until: t.until, Rows: r.Written, LeftOut: r.LeftOut, Everybody: t.everybody, Found: map[string]int{}}
	if job.Into != nil {
		made.To = redact(job.To)
	} else if at, err := filepath.Abs(job.To); err == nil {
		made.To = at
	}
	for _, f := range r.Fields {
		made.Replaced += f.Changed
		if f.Ruled && f.How == maker.Keep && f.Because != "" {
			made.Waived = append(made.Waived, lent.Waived{Field: f.Table + "." + f.Field, Because: f.Because})
		}
	}
	for _, f := range r.Found {
		made.Found[f.Table] = int(100*f.Share + 0.5)
	}
	if err := lent.Note(t.setup, made); err != nil {
		return "", fmt.Errorf("the copy is there, and could not be put into the list of copies: %w", err)
	}
	return made.ID, nil
}

func (c *Command) sanitize(ctx context.Context, job sanitize.Job, connector string, made terms) (err error) {
	if job.Catalogue, err = classifiers.New(); err != nil {
		return err
	}
	k, o, err := c.original(ctx, &job, connector, &made)
	if err != nil {
		return err
	}
	if c.names == nil {
		c.names = shown.New(job.Catalogue, nil)
	}
	o.Name = c.names.Of(o.Name)
	job.Base = filepath.Base(job.From)
	if server, ok := config.TakerOf(k); ok {
		if job.Base, err = baseOf(job.To); err != nil {
			return err
		}
		from := o
		job.Take = func(ctx context.Context, path string) error { return server.Take(ctx, from, path) }
		k, o = server.Of, connectors.Options{Name: o.Name}
	}
	if strings.Contains(job.To, "://") {
		to, at, err := adHoc(ctx, c, job.To, "")
		if err != nil {
			return err
		}
		at.Name = "the target"
		if job.Into, err = config.TargetOf(to, at, k); err != nil {
			return err
		}
	}
	o.Unchecked, o.Rewrite = false, true
	job.Open = func(ctx context.Context, path string) (connectors.Source, error) {
		at := o
		at.DSN = path
		return k.Open(ctx, at)
	}
	job.Progress = func(phase string) (func(rows, of int64), func()) {
		bar := c.bar(phase)
		return bar.update, bar.done
	}
	job.Key = make([]byte, 32)
	if _, err := rand.Read(job.Key); err != nil {
		return err
	}
	work, remove, err := config.Private("lethe-sanitize-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, remove()) }()
	job.Work = work
	r, err := sanitize.Run(ctx, job)
	if r == nil {
		return sanitizeError(err, r)
	}
	id := ""
	if err == nil && !job.Check {
		id, err = made.note(job, r)
	}
	if c.json {
		return errors.Join(c.printJSON(r), sanitizeError(err, r))
	}
	c.printSanitized(r, job)
	if id != "" {
		fmt.Fprintf(c.Out, "It is in the list of copies as %s, to be destroyed by %s; then say: lethe sanitize destroyed %s\n", id, made.until, id)
	}
	return sanitizeError(err, r)
}

// partOf reads which rows a copy is to have.
func partOf(less *part.Less, people, share string) error {
	if people != "" && share != "" {
		return fmt.Errorf("%w: --people and --rows: name one", setup.ErrUsage)
	}
	if people != "" {
		table, number, named := strings.Cut(people, "=")
		if !named {
			table, number = "", people
		}
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 {
			return fmt.Errorf("%w: --people %s: say a number over 0, or TABLE=NUMBER", setup.ErrUsage, people)
		}
		less.People, less.Of = n, table
	}
	if share != "" {
		number, ok := strings.CutSuffix(strings.TrimSpace(share), "%")
		n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if !ok || err != nil || !(n > 0 && n <= 100) {
			return fmt.Errorf("%w: --rows %s: say a share over 0 and at most 100%%: 5%%", setup.ErrUsage, share)
		}
		less.Share = n / 100
	}
	return nil
}

// baseOf is the name of a dump that is taken for a copy: it is packed as the copy's name says.
func baseOf(to string) (string, error) {
	if to == "" || strings.Contains(to, "://") {
		return "copy.sql", nil
	}
	for _, packed := range []string{".sql", ".sql.gz", ".sql.zst", ".dump"} {
		if strings.HasSuffix(to, packed) {
			return "copy" + packed, nil
		}
	}
	return "", fmt.Errorf("%w: --to %s: a copy of a server's database is a dump of it, or goes into a database: name it .sql, .sql.gz, "+
		".sql.zst or (PostgreSQL) .dump, or give a URL", setup.ErrUsage, filepath.Base(to))
}

// original says how that is opened which is copied: a source of the configuration by its name, or what a person named. Of
// a source, and of a dump of one, it says who is left out.
func (c *Command) original(ctx context.Context, job *sanitize.Job, connector string, made *terms) (k connectors.Connector,
	o connectors.Options, err error) {
	_, missing := os.Lstat(job.From)
	_, none := os.Lstat(c.config)
	named := missing != nil && !strings.Contains(job.From, "://") && (none == nil || made.of != "")
	if !named && made.of == "" {
		k, o, err = adHoc(ctx, c, job.From, connector)
		if err == nil && none == nil && !made.everybody {
			err = c.governed(k.Name, o.DSN)
		}
		return k, o, err
	}
	p, cfg, err := c.load(ctx)
	if err != nil {
		return k, o, err
	}
	made.setup = p
	if err := made.check(*job); err != nil {
		return k, o, err
	}
	if named {
		var ok bool
		if k, o, ok, err = cfg.Original(job.From); err != nil {
			return k, o, err
		} else if !ok {
			return k, o, fmt.Errorf("%w: %q is neither a file nor a live source of %s: name one of these", setup.ErrConfig, job.From,
				filepath.Base(c.config))
		}
		if made.of = job.From; k.Database == nil {
			job.From = o.DSN // a file
		}
	} else if k, o, err = adHoc(ctx, c, job.From, connector); err != nil {
		return k, o, err
	}
	if !slices.ContainsFunc(p.Sources, func(s setup.Source) bool { return s.Name == made.of && !s.Backup() }) {
		return k, o, fmt.Errorf("%w: --of %s: no live source of %s is called so", setup.ErrConfig, made.of, filepath.Base(c.config))
	}
	if made.everybody {
		return k, o, nil
	}
	left, err := ask.LeftOut(ctx, p, made.of)
	job.Less.Out, job.Less.Refers, job.Less.Owns = left.Rows, left.Refers, left.Owns
	return k, o, err
}

// governed refuses what is a source of the configuration and was not named as that: nobody would be left out.
func (c *Command) governed(connector, dsn string) error {
	cfg, err := config.Load(c.config)
	if err != nil {
		return nil // it governs nothing
	}
	if name := cfg.LiveAt(connector, dsn); name != "" {
		return fmt.Errorf("%w: that is source %s of %s: name it so, and who objected, is restricted or is to be erased is left out; or "+
			"say --everybody, for which somebody has to answer", setup.ErrUsage, name, filepath.Base(c.config))
	}
	return nil
}

// sanitizeError gives an error its code and the way out.
func sanitizeError(err error, r *sanitize.Report) error {
	switch {
	case errors.Is(err, sanitize.ErrQuestions):
		return fmt.Errorf("%w: %w: write them into a file for --rules; nothing was written", setup.ErrUnapproved, err)
	case errors.Is(err, sanitize.ErrLeaks):
		var fields []string
		for _, l := range r.Leaks {
			if l.Waived == "" {
				fields = append(fields, fmt.Sprintf("%s.%s (%d)", l.Table, l.Field, l.Values))
			}
		}
		return fmt.Errorf("%w: %w: %s: give each a rule in the file of --rules, `do: keep` with `because:` where it is chance; "+
			"nothing was written", setup.ErrUnapproved, sanitize.ErrLeaks, strings.Join(fields, ", "))
	case errors.Is(err, sanitize.ErrThere), errors.Is(err, sanitize.ErrNowhere), errors.Is(err, sanitize.ErrReadOnly),
		errors.Is(err, sanitize.ErrRules), errors.Is(err, part.ErrTable):
		return fmt.Errorf("%w: %w", setup.ErrConfig, err)
	}
	return err
}

// printParts says how many rows of each table the copy has.
func (c *Command) printParts(r *sanitize.Report) {
	if len(r.Parts) == 0 {
		return
	}
	rows := [][]string{{"TABLE", "ROWS", "OF"}}
	whole := 0
	for _, p := range r.Parts {
		if p.Kept == p.Of {
			whole++
			continue
		}
		name := p.Table
		if name == r.People {
			name += " (people)"
		}
		rows = append(rows, []string{name, fmt.Sprint(p.Kept), fmt.Sprint(p.Of)})
	}
	fmt.Fprintln(c.Out)
	if len(rows) == 1 {
		fmt.Fprintln(c.Out, "All tables are whole.")
		return
	}
	table(c.Out, rows)
	fmt.Fprintf(c.Out, "%d more tables are whole.\n", whole)
}

// printFoundAgain says by what stays somebody who has the original finds rows again.
func (c *Command) printFoundAgain(r *sanitize.Report) {
	if len(r.Found) == 0 {
		return
	}
	const most = 4
	rows := [][]string{{"TABLE", "FOUND AGAIN", "BY"}}
	for _, f := range r.Found {
		var by []string
		for _, field := range f.Fields[:min(most, len(f.Fields))] {
			by = append(by, fmt.Sprintf("%s (%.0f %%)", field.Field, 100*field.Share))
		}
		if len(by) == 0 {
			by = []string{"several fields together"}
		}
		rows = append(rows, []string{f.Table, fmt.Sprintf("%.0f %%", 100*f.Share), strings.Join(by, ", ")})
	}
	fmt.Fprintln(c.Out, "\nRows that somebody who has the original finds again, by values that stay and that no other row has:")
	table(c.Out, rows)
	fmt.Fprintln(c.Out, "Give such fields a way (day, near, nothing), or the copy only to those who may know. By keys, and by the order of rows, "+
		"all are found.")
}

func (c *Command) printSanitized(r *sanitize.Report, job sanitize.Job) {
	rows := [][]string{{"FIELD", "FOUND", "DONE", "VALUES"}}
	kept := 0
	for _, f := range r.Fields {
		if f.How == maker.Keep && !f.Category.Personal() {
			kept++
			continue
		}
		done := string(f.How)
		if f.Ruled {
			done += " (rule)"
		}
		rows = append(rows, []string{f.Table + "." + f.Field, string(f.Category), done, fmt.Sprint(f.Changed)})
	}
	table(c.Out, rows)
	fmt.Fprintf(c.Out, "%d more fields stay as they are: nothing personal was found in them.\n", kept)
	c.printParts(r)
	if r.LeftOut > 0 {
		fmt.Fprintf(c.Out, "Left out, with what refers to them: %d rows of people who may not be used now, or are to be erased.\n", r.LeftOut)
	}
	if len(r.Questions) > 0 {
		fmt.Fprint(c.Out, "\nTo be said of fields that look personal (the ways stand in jobs/docs/test-data.md):\n\nfields:\n")
		for _, q := range r.Questions {
			fmt.Fprintf(c.Out, "  %q: {do: %s}  # or do: keep, because: ...\n", q.Table+"."+q.Field, sanitize.Way(q.Category))
		}
	}
	asked := false
	for _, l := range r.Leaks {
		if l.Waived != "" {
			fmt.Fprintf(c.Out, "%s.%s holds %d values that are personal elsewhere: %s\n", l.Table, l.Field, l.Values, l.Waived)
			continue
		}
		if !asked {
			fmt.Fprint(c.Out, "\nTo be said of fields that hold values of personal ones:\n\nfields:\n")
			asked = true
		}
		fmt.Fprintf(c.Out, "  %q: {do: words}  # or do: keep, because: ...\n", l.Table+"."+l.Field)
	}
	c.printFoundAgain(r)
	if !job.Check && len(r.Questions) == 0 && r.Originals > 0 {
		fmt.Fprintf(c.Out, "Searched for %d personal values of the original.\n", r.Originals)
	}
}
