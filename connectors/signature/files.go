package signature

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"path"
	"strings"
	"unicode/utf16"
)

var unknown = Kind{Words: "nothing that is known", Class: Unknown}

// mark is bytes at a place of a file that say what it is.
type mark struct {
	at    int
	magic string
	kind  Kind
}

// marks are looked for in this order. The sources: the formats' own descriptions (PostgreSQL pg_backup_archiver.h,
// xlog_internal.h; MySQL binlog_event.h; Percona XtraBackup xbstream.h; Microsoft Tape Format 1.00a; the headers of
// VHD, VHDX, VMDK, VDI and QCOW2; age-encryption.org/v1; RFC 9580 section 4.2) and file(1).
var marks = []mark{
	{0, "PGDMP", Kind{Name: "pg_dump-custom", Words: "archive of pg_dump (-Fc)", Class: Dump}},
	{0, "SQLite format 3\x00", Kind{Name: "sqlite", Words: "SQLite database", Class: Database}},
	{0, "PAR1", Kind{Name: "parquet", Words: "Parquet file", Class: Export}},
	{0, "XBSTCK01", Kind{Name: "xbstream", Words: "physical copy of a MySQL or MariaDB server (xbstream of xtrabackup or " +
		"mariabackup)", Class: Physical}},
	{0, "\xfebin", Kind{Name: "binlog", Words: "binary log of MySQL or MariaDB", Class: Log}},
	{0, "TAPE", Kind{Name: "mtf", Words: "backup in Microsoft Tape Format (BACKUP DATABASE of SQL Server, or NTBackup)",
		Class: Physical}},
	{0, "vhdxfile", Kind{Name: "vhdx", Words: "disk image (VHDX)", Class: Image}},
	{0, "conectix", Kind{Name: "vhd", Words: "disk image (VHD)", Class: Image}},
	{0, "KDMV", Kind{Name: "vmdk", Words: "disk image (VMDK)", Class: Image}},
	{0, "# Disk DescriptorFile", Kind{Name: "vmdk", Words: "disk image (VMDK)", Class: Image}},
	{0, "QFI\xfb", Kind{Name: "qcow2", Words: "disk image (QCOW2)", Class: Image}},
	{0, "<<< ", Kind{Name: "vdi", Words: "disk image (VDI)", Class: Image}},
	{512, "LABELONE", Kind{Name: "lvm", Words: "image of an LVM volume", Class: Image}},
	{1080, "\x53\xef", Kind{Name: "ext4", Words: "image of an ext file system", Class: Image}},
	{0, "XFSB", Kind{Name: "xfs", Words: "image of an XFS file system", Class: Image}},
	{3, "NTFS    ", Kind{Name: "ntfs", Words: "image of an NTFS file system", Class: Image}},
	{512, "EFI PART", Kind{Name: "disk", Words: "image of a disk", Class: Image}},
	{0, "age-encryption.org/v1", Kind{Name: "age", Words: "something encrypted with age", Class: Encrypted}},
	{0, "-----BEGIN AGE ENCRYPTED FILE-----", Kind{Name: "age", Words: "something encrypted with age", Class: Encrypted}},
	{0, "Salted__", Kind{Name: "openssl", Words: "something encrypted with openssl enc", Class: Encrypted}},
	{0, "-----BEGIN PGP MESSAGE-----", Kind{Name: "openpgp", Words: "something encrypted with OpenPGP", Class: Encrypted}},
	{0, "PK\x03\x04", Kind{Name: "zip", Words: "zip archive", Class: Archive}},
	{0, "PK\x05\x06", Kind{Name: "zip", Words: "empty zip archive", Class: Archive}},
	{0, "7z\xbc\xaf\x27\x1c", Kind{Name: "7z", Words: "7-Zip archive", Class: Archive}},
}

// ofBytes says what a file is that begins so.
func ofBytes(head []byte) Kind {
	if isBacpac(head) {
		return Kind{Name: "bacpac", Words: "export of a SQL Server database (.bacpac), whose rows only a server reads",
			Class: Physical}
	}
	for _, m := range marks {
		if len(head) >= m.at && bytes.HasPrefix(head[m.at:], []byte(m.magic)) {
			return m.kind
		}
	}
	switch {
	case isTar(head):
		return ofTar(head)
	case isWAL(head):
		return Kind{Name: "wal", Words: "write-ahead log of PostgreSQL", Class: Log}
	case isOpenPGP(head):
		return Kind{Name: "openpgp", Words: "something encrypted with OpenPGP", Class: Encrypted}
	case isBoot(head):
		return Kind{Name: "disk", Words: "image of a disk", Class: Image}
	}
	return ofText(head)
}

// isBacpac reports whether bytes start a zip archive of sqlpackage: its model stands in model.xml, what it is of in
// Origin.xml and DacMetadata.xml, and rows in the server's own form (native BCP) under Data/.
func isBacpac(head []byte) bool {
	if !bytes.HasPrefix(head, []byte("PK\x03\x04")) {
		return false
	}
	found := 0
	for _, name := range []string{"model.xml", "Origin.xml", "DacMetadata.xml", "Data/"} {
		if bytes.Contains(head, []byte(name)) {
			found++
		}
	}
	return found > 1
}

// isTar reports whether bytes start a tar archive: POSIX and GNU tar write ustar behind the name, mode, owner, size and
// time.
func isTar(head []byte) bool { return len(head) >= 512 && string(head[257:262]) == "ustar" }

// ofTar says whose archive it is by the names of the first files in it.
func ofTar(head []byte) Kind {
	for r := tar.NewReader(bytes.NewReader(head)); ; {
		h, err := r.Next()
		if err != nil { // the end of what was read of it
			return Kind{Name: "tar", Words: "tar archive", Class: Archive}
		}
		switch name := path.Clean(h.Name); {
		case name == "toc.dat":
			return Kind{Name: "pg_dump-tar", Words: "archive of pg_dump (-Ft)", Class: Dump}
		case name == "backup_label", name == "PG_VERSION":
			return base
		case name == "backup-my.cnf", name == "ibdata1", strings.HasPrefix(name, "xtrabackup_"),
			strings.HasPrefix(name, "mariadb_backup_"):
			return maria
		}
	}
}

// isWAL reports whether bytes start a segment of PostgreSQL's log: a page header with its magic, of which each version
// has its own since 8.0 (0xD05C to 0xD1xx), the flag that a long header follows, and a page of 8 to 64 KB.
func isWAL(head []byte) bool {
	if len(head) < 40 {
		return false
	}
	magic, info := binary.LittleEndian.Uint16(head), binary.LittleEndian.Uint16(head[2:])
	page := binary.LittleEndian.Uint32(head[36:])
	return magic >= 0xd05c && magic < 0xd200 && info&2 != 0 && page >= 1<<10 && page <= 64<<10 && page&(page-1) == 0
}

// isOpenPGP reports whether bytes start an encrypted message: a packet of a session key (tag 1) or of one that is made
// of a passphrase (tag 3), of a version that exists.
func isOpenPGP(head []byte) bool {
	if len(head) < 16 || head[0]&0x80 == 0 {
		return false
	}
	tag, body := head[0]&0x3f, head[2:]
	if head[0]&0x40 == 0 { // the old form: the last two bits say how long the length is
		tag = head[0] >> 2 & 0x0f
		if n := 1 << (head[0] & 3); n <= 4 {
			body = head[1+n:]
		}
	} else if head[1] >= 192 {
		body = head[3:]
	}
	switch {
	case tag == 1:
		return body[0] == 3 || body[0] == 6
	case tag == 3:
		return body[0] >= 4 && body[0] <= 6 && body[1] >= 1 && body[1] <= 13
	}
	return false
}

// isBoot reports whether bytes start a disk: a boot record ends with its mark, and begins with a jump or the code of
// a loader.
func isBoot(head []byte) bool {
	return len(head) >= 512 && head[510] == 0x55 && head[511] == 0xaa && (head[0] == 0xeb || head[0] == 0xe9 ||
		head[0] == 0xfa || head[0] == 0x33 || head[0] == 0x31 || head[0] == 0)
}

// text is what a line at the beginning of a text says.
type text struct {
	says string
	kind Kind
}

// texts are what dumps say of themselves in their first lines.
var texts = []text{
	{"-- phpMyAdmin SQL Dump", Kind{Name: "phpmyadmin", Words: "export of phpMyAdmin", Class: Dump}},
	{"-- Adminer ", Kind{Name: "adminer", Words: "export of Adminer", Class: Dump}},
	{"-- HeidiSQL ", Kind{Name: "heidisql", Words: "export of HeidiSQL", Class: Dump}},
	{"-- MySQL dump ", Kind{Name: "mysqldump", Words: "dump of mysqldump", Class: Dump}},
	{"-- MariaDB dump ", Kind{Name: "mysqldump", Words: "dump of mariadb-dump", Class: Dump}},
	{"-- PostgreSQL database cluster dump", Kind{Name: "pg_dumpall", Words: "dump of pg_dumpall", Class: Dump}},
	{"-- PostgreSQL database dump", Kind{Name: "pg_dump", Words: "dump of pg_dump", Class: Dump}},
	{"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;", Kind{Name: "sqlite-dump", Words: "dump of sqlite3", Class: Dump}},
}

// firstLines is in how much of a text its dump program names itself.
const firstLines = 2 << 10

func ofText(head []byte) Kind {
	if len(head) == 0 {
		return Kind{Name: "empty", Words: "empty file", Class: Unknown}
	}
	start := string(head[:min(len(head), firstLines)])
	if strings.HasPrefix(start, "\xff\xfe") {
		start = fromUTF16(head[2:min(len(head)&^1, 2*firstLines)])
	}
	if strings.Contains(start, "\x00") {
		return unknown // no text
	}
	start = strings.ReplaceAll(start, "\r\n", "\n")
	for _, t := range texts {
		if strings.HasPrefix(start, t.says) || strings.Contains(start, "\n"+t.says) {
			return t.kind
		}
	}
	if strings.Contains(start, "INSERT [dbo].") || strings.Contains(start, "/****** Object:") {
		return Kind{Name: "ssms-script", Words: "script of SQL Server Management Studio", Class: Dump}
	}
	return unknown
}

func fromUTF16(b []byte) string {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = binary.LittleEndian.Uint16(b[2*i:])
	}
	return string(utf16.Decode(units))
}
