package numbered

import "testing"

// TestLikeKeysHaveUnlikeHashes: how the hashes of one key in two tables differ does not tell that it is one.
func TestLikeKeysHaveUnlikeHashes(t *testing.T) {
	seen := map[uint32]bool{}
	for key := range uint64(1000) {
		seen[mixed(1, key*0x9e3779b97f4a7c15)^mixed(2, key*0x9e3779b97f4a7c15)] = true
	}
	if len(seen) < 990 {
		t.Fatalf("of 1000 keys %d differences", len(seen))
	}
}
