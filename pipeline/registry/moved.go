package registry

import "lethe/pipeline/registry/keystore"

type Ref = keystore.Ref
