package duties

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"lethe/pipeline/audit/receipts"
	"lethe/pipeline/erased"
	"lethe/pipeline/registry/cases"
	"lethe/pipeline/registry/keystore"
	"lethe/pipeline/setup"
)

// stated is what a closed request commits to for its receipt; false where it gets none, or the silo's key is gone.
func (ow *Book) stated(silo string, a *cases.Asked) (c receipts.Commitment, ok bool, err error) {
	says, ok := erased.Stated(a)
	if !ok {
		return c, false, nil
	}
	code, err := erased.CodeOf(ow.Setup, silo, a.ID)
	if errors.Is(err, keystore.ErrMissing) || errors.Is(err, keystore.ErrDestroyed) {
		return c, false, nil
	}
	return code.Commitment(says), err == nil, err
}

// commit puts what no night has committed to into the report.
func (ow *Book) commit(closed []receipts.Commitment) error {
	if len(closed) == 0 {
		return nil
	}
	signer, err := ow.Setup.Keys.Runner()
	if err != nil {
		return err
	}
	_, nights, _, err := receipts.Nights(ow.Setup.Reports, signer.PublicKey())
	if err != nil {
		return fmt.Errorf("%w: the log of nights was altered while the night was at work: %w", setup.ErrTampered, err)
	}
	known := map[receipts.Commitment]bool{}
	for _, n := range nights {
		for _, c := range n.List {
			known[c] = true
		}
	}
	late := slices.DeleteFunc(closed, func(c receipts.Commitment) bool { return known[c] })
	for _, c := range receipts.NewList(late) {
		ow.Notes.Facts.Receipts = append(ow.Notes.Facts.Receipts, hex.EncodeToString(c[:]))
	}
	return nil
}
