package config

import (
	"errors"
	"fmt"
	"time"
)

// mostWait is the longest that anything may be waited for: every wait has an end.
const mostWait = 24 * time.Hour

// times are the waits as times; 0 where nothing is said. server: there is one to wait for.
func (w Waits) times(server bool) (answer, statement time.Duration, err error) {
	answer, answerErr := waitOf("answer_within", w.AnswerWithin, server)
	statement, statementErr := waitOf("statement_within", w.StatementWithin, server)
	return answer, statement, errors.Join(answerErr, statementErr)
}

func waitOf(key, text string, server bool) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	if !server {
		return 0, fmt.Errorf("%s: it is no server, for which alone there is a time to wait: leave it out", key)
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 || d > mostWait {
		return 0, fmt.Errorf("%s: %q: write a time as 30s, 5m or 1h, at most 24h", key, text)
	}
	return d, nil
}
