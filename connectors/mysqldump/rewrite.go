package mysqldump

type rewriter struct{ *source }
type editor struct{}
const (evHeader = iota; evSeparator; evEnd)
func (e *editor) add(kind int, b []byte) {}
