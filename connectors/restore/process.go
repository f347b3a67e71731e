package restore

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// nobody is as whom servers run where Lethe is root; ok is false where it is not, or where there is no such user.
func nobody() (c syscall.Credential, ok bool) {
	if os.Getuid() != 0 {
		return c, false
	}
	u, err := user.Lookup("nobody")
	if err != nil {
		return c, false
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return c, false
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	return syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err == nil
}

// apart lets a program run as nobody where it can, in a group of its own, and end when Lethe does, however that ends.
func apart(c *exec.Cmd) {
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	outlives(c.SysProcAttr)
	if as, ok := nobody(); ok {
		c.SysProcAttr.Credential = &as
	}
}

// give makes the user of servers the owner of a folder.
func give(dir string) error {
	if as, ok := nobody(); ok {
		return os.Chown(dir, int(as.Uid), int(as.Gid))
	}
	return nil
}

// reachable reports whether the user of servers can come to a folder.
func reachable(dir string) bool {
	if _, ok := nobody(); !ok {
		return true
	}
	dir, err := filepath.Abs(dir)
	for err == nil {
		var info os.FileInfo
		if info, err = os.Stat(dir); err == nil && info.Mode().Perm()&1 == 0 {
			return false
		}
		if dir == filepath.Dir(dir) {
			break
		}
		dir = filepath.Dir(dir)
	}
	return err == nil
}

// end tells the processes of a program to end, or ends them.
func end(c *exec.Cmd, now bool) {
	signal := syscall.SIGINT // PostgreSQL's fast stop; MariaDB heeds SIGTERM
	if filepath.Base(c.Path) != "postgres" {
		signal = syscall.SIGTERM
	}
	if now {
		signal = syscall.SIGKILL
		_ = syscall.Kill(-c.Process.Pid, signal) // who is gone needs none
		return
	}
	_ = syscall.Kill(c.Process.Pid, signal)
}
