package registry

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestDeliveries(t *testing.T) {
	onEngines(t, func(t *testing.T, newFixture newFixture) {
		f := newFixture(t)
		f.key("crm")
		first := Delivery{Target: "shop", Object: "crm.people", SentSeq: 4, Attempts: 1, SentAt: noon}
		other := Delivery{Target: "mailer", Object: "crm.people", SentSeq: 4, AckedSeq: 4, Rows: 2,
			Digest: [16]byte{0, 1, 255}, SentAt: noon, AckedAt: noon}
		require.NoError(t, f.r.PutDelivery(t.Context(), "crm", first))
		require.NoError(t, f.r.PutDelivery(t.Context(), "crm", other))
		acknowledged := first
		acknowledged.AckedSeq, acknowledged.Attempts, acknowledged.Rows, acknowledged.AckedAt, acknowledged.Error = 4,
			0, 3, noon, "E_UNREACHABLE"
		require.NoError(t, f.r.PutDelivery(t.Context(), "crm", acknowledged))
		list, err := f.r.Deliveries(t.Context(), "crm")
		require.NoError(t, err)
		require.Equal(t, []Delivery{other, acknowledged}, list)
		require.NoError(t, f.r.DropDelivery(t.Context(), "crm", "mailer", "crm.people"))
		list, err = f.r.Deliveries(t.Context(), "crm")
		require.NoError(t, err)
		require.Equal(t, []Delivery{acknowledged}, list)
		list, err = f.r.Deliveries(t.Context(), "unheard")
		require.NoError(t, err)
		require.Empty(t, list)
	})
}
