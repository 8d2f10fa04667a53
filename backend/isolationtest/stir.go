package isolationtest

import (
	"context"
	"fmt"
	"slices"
)

// stir changes what the attempts at a route named, by its owner's hand: what follows it,
// such as a subscription, shows that later.
func (k *check) stir(ctx context.Context, route Route, by int, v *victim) error {
	if route.reads() || !route.namesRecord(k.OrganizationParam) {
		return nil
	}
	values, token := k.values(target{record: true}, k.own[by], v.record), k.Tenants[by].Token
	t := act{call{route: route, values: k.freshened(route, by, values), token: token}, by, "the path's record"}
	if _, err := k.ask(ctx, t); err != nil {
		return err
	}
	for _, change := range k.Routes {
		ids := change.ids(k.OrganizationParam)
		if change.reads() || !slices.Contains([]string{"PUT", "PATCH"}, change.Method) || len(ids) == 0 {
			continue
		}
		of := call{route: change, values: k.freshened(change, v.index, v.values), token: k.Tenants[v.index].Token}
		if _, err := k.send(ctx, of); err != nil {
			return err
		}
	}
	why := fmt.Sprintf(" after %s %s by the path's record, which its owner changed then", route.Method, route.Path)
	if err := k.look(ctx, by, k.own[by].values, why); err != nil {
		return err
	}
	k.flush()
	return nil
}
