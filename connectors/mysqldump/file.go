package mysqldump

import "lethe/connectors/internal/textfile"

// foreign lists the first bytes of what is no dump of MySQL or MariaDB, with what to say, besides what no
// connector reads.
var foreign = []textfile.Foreign{
	{Magic: "PGDMP", What: "it is an archive of pg_dump"},
	{Magic: "--\n-- PostgreSQL database", What: "it is a dump of PostgreSQL"},
	{Magic: "<?xml", What: "it is a dump in XML; take it without --xml"},
	{Magic: "\xff\xfe", What: "it is UTF-16, as PowerShell's > writes it; take the dump with --result-file"},
	{Magic: "XBSTCK01", What: "it is a physical backup (xbstream), which cannot be edited"},
}

// Open opens the file of a dump.
func (f format) Open(path string) (*textfile.Text, error) {
	o := f.opening
	o.Foreign = foreign
	if f.again != nil {
		o.Tee, o.Beside = f.again.begin(), &f.again.beside
	}
	return textfile.OpenWith(path, o)
}
