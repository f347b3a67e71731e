package matters

import (
	"lethe/pipeline/audit/page/tonight"

	"cmp"
	"maps"
	"slices"
	"strings"

	"lethe/pipeline/audit"
	"lethe/pipeline/audit/page/lang"
)

// said elsewhere on the page, as matters of their own or in the charts.
var elsewhere = []string{"F_OVERDUE", "F_SOURCE_FAILED", "F_REQUEST_OVERDUE", "F_REQUEST_PAUSED", "F_HOLD_REVIEW",
	"F_HOLD_UNAPPROVED", "F_SYNC_LAG", "F_SYNC_DRIFT", audit.Uncosigned}

// questionNeeds are the exceptions by code, and the findings of weight by kind.
func (n night) questionNeeds() (list []Matter) {
	byCode := map[string][]audit.Exception{}
	unmapped := map[string]bool{}
	for _, f := range n.Facts.Findings {
		if f.Kind == "F_UNMAPPED" {
			unmapped[f.Source+"."+f.Object] = true
		}
	}
	for _, e := range n.Facts.Exceptions {
		if e.Code == "E_NO_POLICY" && unmapped[e.Source+"."+e.Object] {
			continue
		}
		byCode[e.Code] = append(byCode[e.Code], e)
	}
	for _, code := range slices.Sorted(maps.Keys(byCode)) {
		list = append(list, n.exceptionNeed(code, byCode[code]))
	}
	byKind := map[string][]audit.Finding{}
	for _, f := range n.Facts.Findings {
		if f.Severity != "low" && !slices.Contains(elsewhere, f.Kind) {
			byKind[f.Kind] = append(byKind[f.Kind], f)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(byKind)) {
		list = append(list, n.findingNeed(kind, byKind[kind]))
	}
	return list
}

func (n night) exceptionNeed(code string, rows []audit.Exception) Matter {
	m := Matter{kind: question, Clause: "clause.question", Queries: []string{"q6"}}
	if code == "X_NO_MATCH" {
		m.Queries = []string{"q4"}
	}
	bySilo, sum, owners := map[string]int64{}, int64(0), ""
	live := func(e audit.Exception) bool { return !n.Copies[e.Source] }
	hidden := false
	only, copies := !slices.ContainsFunc(rows, live), int64(0)
	for _, e := range rows {
		if !only && !live(e) {
			copies, hidden = copies+e.Count, hidden || n.Few(e.Silo, e.Count)
			continue
		}
		bySilo[e.Silo] += e.Count
		sum += e.Count
		owners += ";" + e.Owner
		if since := tonight.Day(e.FirstSeen); !since.IsZero() && (m.since.IsZero() || since.Before(m.since)) {
			m.since = since
		}
	}
	var places []string
	silos := slices.Sorted(maps.Keys(bySilo))
	slices.SortStableFunc(silos, func(a, b string) int { return cmp.Compare(bySilo[b], bySilo[a]) })
	for i, silo := range silos {
		if i == 3 {
			places = append(places, n.Say("more.short", int64(len(silos)-3)))
			break
		}
		count := n.Count(silo, bySilo[silo])
		hidden = hidden || count == "<5"
		places = append(places, n.SiloName(silo)+" "+count)
	}
	m.weight = sum
	var total any = sum
	said := n.Number(sum)
	if hidden {
		said = n.Say("some")
		total = said
	}
	key := "exception." + code
	if n.Has(key) {
		m.What = n.Say(key, total, strings.Join(places, ", "))
	} else { // of what tables say of consents the registry refuses much, each with a code of its own
		m.What = n.Say("exception.statement", total, strings.Join(places, ", "), lang.Code(code))
	}
	m.short = n.Say("short.exception", tonight.Lower(n.Reason(code)), said)
	if only {
		m.What += " " + n.Say("exception.only.copies")
	} else if copies > 0 && !hidden {
		m.What += " " + n.Say("exception.copies", copies)
	}
	n.who(&m, owners, "role.owner")
	return m
}

// weights of findings, besides their rows.
var weights = map[string]int64{"high": 1 << 40, "medium": 1 << 20}

func (n night) findingNeed(kind string, rows []audit.Finding) Matter {
	m := Matter{kind: question, Clause: "clause.question", Queries: []string{"q34"}}
	slices.SortStableFunc(rows, func(a, b audit.Finding) int { return cmp.Compare(b.Count, a.Count) })
	for _, f := range rows {
		m.weight = max(m.weight, weights[f.Severity]+f.Count)
		if since := tonight.Day(f.FirstSeen); !since.IsZero() && (m.since.IsZero() || since.Before(m.since)) {
			m.since = since
		}
	}
	if kind == "F_UNMAPPED" {
		m.Queries = []string{"q5"}
	}
	place := tonight.Joined(".", rows[0].Source, rows[0].Object, rows[0].Column)
	code := lang.Code(place)
	if place == "" {
		code = n.Say("here")
	}
	more := ""
	if len(rows) > 1 {
		more = " " + n.Say("finding.more", int64(len(rows)-1))
	}
	what := cmp.Or(n.Finding(kind, rows[0].Severity, code, rows[0].Count),
		n.Say("finding.other", code, lang.Name(rows[0].Words)))
	m.What = what + more
	m.short = n.Say("short.finding", name(place), int64(len(rows)))
	n.who(&m, "", "role.name")
	return m
}

// Shown are the matters that there is room for, and what is said of the others; or, where there is none, what
// comes next.
func Shown(of *tonight.Night, all []Matter) (shown []Matter, title string, more, next *tonight.Point) {
	n := night{of}
	total := int64(len(all))
	if total == 0 {
		return nil, n.Say("needs.none"), nil, n.next()
	}
	title = n.Say("needs", total)
	if total <= Most {
		return all, title, nil, nil
	}
	rest := all[Most:]
	var queries, said []string
	for i, m := range rest {
		if i < 4 {
			said = append(said, m.short)
		}
		for _, q := range m.Queries {
			if !slices.Contains(queries, q) {
				queries = append(queries, q)
			}
		}
	}
	if over := int64(len(rest) - 4); over > 0 {
		said = append(said, n.Say("more.short", over))
	}
	first := slices.IndexFunc(rest, func(m Matter) bool { return !m.By.IsZero() })
	key, args := "needs.more", []any{int64(len(rest)), strings.Join(said, "; ")}
	if first >= 0 {
		key, args = "needs.more.by", append(args, n.Day(rest[first].By))
	}
	return all[:Most], title, &tonight.Point{Text: n.Say(key, args...), Queries: queries}, nil
}

// next says what comes next, so that an empty list is seen to have been looked up.
func (n night) next() *tonight.Point {
	var said []string
	var queries []string
	var request *audit.Request
	for i, r := range n.Facts.Requests {
		if r.Status != "closed" && (request == nil || due(r) < due(*request)) {
			request = &n.Facts.Requests[i]
		}
	}
	if request != nil {
		by := tonight.Day(due(*request))
		said = append(said, n.Say("next.request", name(request.RequestID), n.When(by), int64(n.Within(by))))
		queries = append(queries, "q1")
	}
	last := n.LastCopy()
	if n.Figures.Pending > 0 && !last.IsZero() {
		said, queries = append(said, n.Say("next.backup", n.DayYear(last))), append(queries, "q20")
	}
	if len(said) == 0 {
		return &tonight.Point{Text: n.Say("next.none"), Queries: []string{"q1", "q2"}}
	}
	return &tonight.Point{Text: n.Say("next", strings.Join(said, "; ")), Queries: queries}
}

// due is the civil day until which a request has to be answered.
func due(r audit.Request) string { return cmp.Or(r.ExtendedTo, r.DueOn) }
