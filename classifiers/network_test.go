package classifiers

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestAddressesAsPeopleWriteThem draws addresses and writes them in the ways of logs, firewalls and allow lists;
// with one
// part out of range, none is an address.
func TestAddressesAsPeopleWriteThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := rapid.SliceOfN(rapid.IntRange(0, 255), 4, 4).Draw(t, "octets")
		bits, port := rapid.IntRange(0, 32).Draw(t, "bits"), rapid.IntRange(0, 65535).Draw(t, "port")
		a := fmt.Sprintf("%d.%d.%d.%d", o[0], o[1], o[2], o[3])
		mask := ^uint32(0) << (32 - bits)
		m := netip.AddrFrom4([4]byte{byte(mask >> 24), byte(mask >> 16), byte(mask >> 8), byte(mask)}).String()
		for _, s := range []string{a, fmt.Sprintf("%s/%d", a, bits), fmt.Sprintf("%s:%d", a, port), a + "/" + m,
			a + " " + m,
			a + "-" + a, a + " - " + a} {
			require.True(t, isIPv4([]byte(s)), s)
			first, ok := firstAddress([]byte(s))
			require.True(t, ok, s)
			require.Equal(t, [4]int(o), first, s)
		}
		for _, s := range []string{fmt.Sprintf("%s/%d", a, 33+bits), fmt.Sprintf("%s:%d", a, 65536+port), a + "/0" + m,
			a + "/", a + ":", a + "-", a + "." + a, fmt.Sprintf("%s/0%d", a, bits),
			fmt.Sprintf("%d%s", 256+o[0], a[1:])} {
			require.False(t, isIPv4([]byte(s)), s)
		}
		var raw [16]byte
		copy(raw[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "bytes"))
		raw[0] = 0x20
		six := netip.AddrFrom16(raw).String()
		for _, s := range []string{six, six + "%eth0", fmt.Sprintf("%s/%d", six, 4*bits), "[" + six + "]",
			fmt.Sprintf("[%s]:%d", six, port), fmt.Sprintf("%s%%eth0/%d", six, bits)} {
			require.True(t, isIPv6([]byte(s)), s)
		}
		for _, s := range []string{fmt.Sprintf("%s/%d", six, 129+bits), six + "%", six + "%1%2", "[" + six, six + "]",
			fmt.Sprintf("[%s]:%d", six, 65536+port), six + ":" + six} {
			require.False(t, isIPv6([]byte(s)), s)
		}
	})
}
