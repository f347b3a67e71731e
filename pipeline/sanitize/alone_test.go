package sanitize_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"lethe/pipeline/sanitize"
	"lethe/pipeline/sanitize/maker"
)

// What is said of rows that are found again is what somebody with the original finds: of tables of people and of what
// refers to them, and within the room that there is for digests.
func TestWhoIsFoundAgain(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	const n = 200_000 // more values than are held
	var b strings.Builder
	b.WriteString("CREATE TABLE `members` (`id` int NOT NULL, `email` varchar(60), `points` int, `tag` varchar(10), PRIMARY KEY (`id`));\n" +
		"CREATE TABLE `visits` (`id` int NOT NULL, `member` int, `at` varchar(30), PRIMARY KEY (`id`), " +
		"CONSTRAINT `f` FOREIGN KEY (`member`) REFERENCES `members` (`id`));\n" +
		"CREATE TABLE `things` (`id` int NOT NULL, `name` varchar(30), PRIMARY KEY (`id`));\n")
	points, both := map[int]int{}, map[string]int{}
	var people []string
	for i := range n {
		p, tag := r.IntN(n), fmt.Sprintf("t%d", r.IntN(3))
		points[p]++
		both[fmt.Sprint(p, tag)]++
		people = append(people, fmt.Sprintf("(%d,'ada.rossi.%d@example.org',%d,'%s')", i, i, p, tag))
	}
	for part := range 200 {
		fmt.Fprintf(&b, "INSERT INTO `members` VALUES %s;\n", strings.Join(people[part*n/200:(part+1)*n/200], ","))
	}
	b.WriteString("INSERT INTO `visits` VALUES (1,1,'a'),(2,1,'a'),(3,2,'b'),(4,2,NULL);\nINSERT INTO `things` VALUES (1,'x'),(2,'y');\n")
	j := job(t, b.String())
	keep := sanitize.Rule{Do: maker.Keep, Because: "a number of nobody"}
	j.Rules = sanitize.Rules{Fields: map[string]sanitize.Rule{"members.email": {Do: maker.Email}, "members.points": keep, "members.tag": keep,
		"visits.at": keep, "visits.member": keep, "members.id": keep, "things.name": keep}}
	report, err := sanitize.Run(t.Context(), j)
	require.NoError(t, err)
	require.NoError(t, os.Remove(j.To))
	share := func(counts []int, of int) float64 {
		alone := 0
		for _, c := range counts {
			if c == 1 {
				alone++
			}
		}
		return float64(alone) / float64(of)
	}
	var p, pt []int
	for _, c := range points {
		p = append(p, c)
	}
	for _, c := range both {
		pt = append(pt, c)
	}
	require.Len(t, report.Found, 2)
	members, visits := report.Found[0], report.Found[1]
	require.Equal(t, "members", members.Table)
	require.InDelta(t, share(pt, n), members.Share, 0.02)
	require.Len(t, members.Fields, 1, "a tag that many have tells nobody")
	require.Equal(t, "points", members.Fields[0].Field)
	require.InDelta(t, share(p, n), members.Fields[0].Share, 0.02)
	require.Equal(t, "visits", visits.Table)
	require.Equal(t, 0.5, visits.Share)
	require.Equal(t, []sanitize.FoundField{{Field: "at", Share: 0.25}}, visits.Fields)
}
