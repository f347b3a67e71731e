package numbered

import "syscall"

// letGo tells the system that a part of a file need not be in memory.
func letGo(mapped []byte) { _ = syscall.Madvise(mapped, syscall.MADV_DONTNEED) } // it may stay
