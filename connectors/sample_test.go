package connectors

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBlocksThatAreCountedBeginInOrder(t *testing.T) {
	after := func(at, skip int) (int, bool, error) { return at + skip + 1, at+skip+1 <= 1000, nil }
	places, err := Ranks(0, 1000, 5, 20, after)
	require.NoError(t, err)
	require.Equal(t, []int{0, 245, 490, 735, 980}, places, "the last has the last rows")
	places, err = Ranks(0, 2000, 5, 20, after) // half of them went
	require.NoError(t, err)
	require.Equal(t, []int{0, 495, 990}, places)
	_, err = Ranks(0, 1000, 5, 20, func(int, int) (int, bool, error) { return 0, false, errors.New("no answer") })
	require.ErrorContains(t, err, "no answer")
}

func TestBlocksOfNumbersEndWithTheNewest(t *testing.T) {
	around := func(n int64) (below, above int64, err error) { return n, n + 1, nil } // there is every number
	behind, err := Behind(1, 1000, 980, 4, around)
	require.NoError(t, err)
	require.Len(t, behind, 3)
	require.IsIncreasing(t, behind)
	require.EqualValues(t, 980, behind[2])
	behind, err = Behind(1, 1000, 300, 4, around)
	require.NoError(t, err)
	require.EqualValues(t, []int64{300}, behind[len(behind)-1:], "none begins among the newest, but theirs")
	require.IsIncreasing(t, behind)
}
