package numbered

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"reflect"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// Room is where columns lie: in memory as far as its bound, and beyond that in a file that has no name, mapped into
// memory, which the system takes out of memory and brings back as it needs. Where there is no file to be had (no space,
// a file system that maps none) all lies in memory. What is personal in it is hidden under a key that only this process
// knows. A nil room is memory without a bound.
type Room struct {
	folder string
	within int64 // bytes that lie in memory before the file is begun

	mu       sync.Mutex
	taken    int64 // of within
	file     *os.File
	size     int64    // of the file
	others   int64    // bytes of other files that were in memory when it was begun: of the program itself
	apart    int64    // of the file, of which all is looked at again and again
	segments [][]byte // of it, mapped
	rest     []byte   // of the last segment: not given away yet
	refused  bool     // there is no file to be had
	closed   chan struct{}
	key      [32]byte
}

// How a room grows, and how much of its file may be in memory before the system is told that it need not be.
const (
	segment  = 8 << 20
	resident = 48 << 20
)

// NewRoom makes room that lies in memory up to so many bytes, and beyond that in a file of a folder.
func NewRoom(folder string, within int64) *Room {
	r := &Room{folder: folder, within: within}
	if _, err := rand.Read(r.key[:]); err != nil {
		panic(err) // it never fails
	}
	return r
}

// InFile is how many bytes lie in the file.
func (r *Room) InFile() int64 {
	if r == nil {
		return 0
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.size
}

// Close gives the file back. Nothing that lies in the room may be used any more.
func (r *Room) Close() error {
	if r == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return nil
	}
	close(r.closed)
	err := r.file.Close()
	for _, s := range r.segments {
		err = errors.Join(err, syscall.Munmap(s))
	}
	r.file, r.segments, r.rest, r.size, r.refused = nil, nil, nil, 0, true
	return err
}

// Slice is a list of zeros that lies in a room. Its elements hold no pointers.
func Slice[T any](r *Room, n int) []T {
	var zero T
	bytes := int64(n) * int64(unsafe.Sizeof(zero))
	if r == nil || bytes == 0 {
		return make([]T, n)
	}
	if at := r.take(bytes); at != nil {
		if points(reflect.TypeFor[T]()) {
			panic(fmt.Sprintf("numbered: %T holds pointers", zero))
		}
		return unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(at))), n)
	}
	return make([]T, n)
}

// Append appends to a list that lies in a room.
func Append[T any](r *Room, list []T, v T) []T {
	if len(list) == cap(list) {
		more := Slice[T](r, max(piece, 2*len(list)))
		list = more[:copy(more, list)]
	}
	return append(list, v)
}

// Apart is Slice of what is looked at again and again, in no order. It is kept in memory as the file's other parts are
// not: it would be brought back at once, page by page, which costs more than what is done with it.
func Apart[T any](r *Room, n int) []T {
	list := Slice[T](r, n)
	if r != nil {
		var zero T
		r.mu.Lock()
		r.apart += int64(n) * int64(unsafe.Sizeof(zero))
		r.mu.Unlock()
	}
	return list
}

// points reports whether values of a type hold pointers, which nobody would follow in a file.
func points(t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Array:
		return points(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if points(t.Field(i).Type) {
				return true
			}
		}
		return false
	}
	return t.Kind() < reflect.Bool || t.Kind() > reflect.Complex128 || t.Kind() == reflect.Uintptr
}

// take gives so many bytes of the file away; nil: they are to lie in memory.
func (r *Room) take(n int64) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.taken+n <= r.within || r.refused {
		r.taken += n
		return nil
	}
	n = (n + 63) &^ 63 // lines of the processor's cache
	if n > int64(len(r.rest)) {
		fresh, err := r.grow(max(segment, (n+segment-1)&^(segment-1)))
		if err != nil {
			r.refused = true
			return nil
		}
		r.rest = fresh
	}
	at := r.rest[:n:n]
	r.rest = r.rest[n:]
	return at
}

// grow makes the file longer. What is mapped has to be there: to write where the disk is full ends a process.
func (r *Room) grow(n int64) ([]byte, error) {
	if r.file == nil {
		f, err := os.CreateTemp(r.folder, "room-")
		if err != nil {
			return nil, err
		}
		if err := os.Remove(f.Name()); err != nil {
			return nil, errors.Join(err, f.Close())
		}
		r.file, r.closed, r.others = f, make(chan struct{}), max(shared(), 0)
		go r.keepSmall(r.closed)
	}
	zeros := make([]byte, 1<<18)
	for at := int64(0); at < n; at += int64(len(zeros)) {
		if _, err := r.file.WriteAt(zeros, r.size+at); err != nil {
			return nil, err
		}
	}
	s, err := syscall.Mmap(int(r.file.Fd()), r.size, int(n), syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		return nil, err
	}
	r.size += n
	r.segments = append(r.segments, s)
	return s, nil
}

// keepSmall tells the system again and again that what lies in the file need not be in memory: what is used is brought
// back at once. A process that is ended for what it holds is not ended for what lies in a file.
func (r *Room) keepSmall(closed chan struct{}) {
	for {
		select {
		case <-closed:
			return
		case <-time.After(10 * time.Millisecond):
		}
		r.Trim()
	}
}

// Trim tells the system so now, where there is more in memory than has to be: for who goes through very much of it.
func (r *Room) Trim() {
	if r.InFile() == 0 {
		return
	}
	held := shared()
	r.mu.Lock()
	defer r.mu.Unlock()
	if held >= 0 && held-r.others < resident+r.apart {
		return
	}
	for _, s := range r.segments {
		letGo(s)
	}
}

// shared is how many bytes of files the process has in memory; -1: the system does not say.
func shared() int64 {
	var all, held, files int64
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return -1
	}
	if _, err := fmt.Sscan(string(text), &all, &held, &files); err != nil {
		return -1
	}
	return files * int64(os.Getpagesize())
}

// cipher is what hides the personal things that lie in the room; nil: they lie in memory.
func (r *Room) cipher() cipher.Block {
	if r == nil {
		return nil
	}
	b, err := aes.NewCipher(r.key[:])
	if err != nil {
		panic(err) // the key is as long as it has to be
	}
	return b
}
