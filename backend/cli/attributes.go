package cli

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tabard-auth/tabard/backend/admin"
	"github.com/tabard-auth/tabard/backend/directory"
)

const attributesHelp = `Set changes attributes, which access tokens state where the claims of an app take them.
The workspace file declares them there. Other attributes stay, and of those that the
workspace file states for the object the file takes precedence when it is applied.
Access tokens that were minted before stop being valid.`

func setOrganizationAttributes() *cobra.Command {
	var given attributeFlags
	return adminCommand[admin.Organization]{
		use: "attributes ORGANIZATION", args: 1, short: "Change an organization's attributes", long: attributesHelp,
		example: `  tabard organizations attributes acme --set plan=pro --set seats=25
  tabard organizations attributes acme --unset trial`,
		flags: given.add,
		run: func(e *env, args []string) (admin.Organization, error) {
			changes, err := given.changes(e, directory.OfOrganization)
			if err != nil {
				return admin.Organization{}, err
			}
			return e.ChangeAttributes(e.ctx, e.by, args[0], changes)
		},
		text: showOrganization,
	}.build()
}

func setMemberAttributes() *cobra.Command {
	var organization string
	var given attributeFlags
	return adminCommand[admin.Member]{
		use: "attributes USER", args: 1, short: "Change a member's attributes", long: attributesHelp,
		example: `  tabard members attributes usr_… --organization acme --set department=sales`,
		flags:   allFlags(organizationFlag(&organization, true), given.add),
		run: func(e *env, args []string) (admin.Member, error) {
			changes, err := given.changes(e, directory.OfMember)
			if err != nil {
				return admin.Member{}, err
			}
			return e.ChangeMemberAttributes(e.ctx, e.by, organization, args[0], changes)
		},
		text: showMember,
	}.build()
}

// attributeFlags are the attributes of a command, as NAME=VALUE.
type attributeFlags struct{ set, unset []string }

func (f *attributeFlags) add(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.set, "set", nil, "`NAME=VALUE` to set; several of one name are a list")
	c.Flags().StringArrayVar(&f.unset, "unset", nil, "`NAME` to remove; may be given several times")
	c.MarkFlagsOneRequired("set", "unset")
	for _, flag := range []string{"set", "unset"} {
		c.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions)
	}
}

// changes reads the flags by the types that the workspace declares.
func (f *attributeFlags) changes(e *env, source directory.AttributeSource) (admin.AttributeChanges, error) {
	types, err := e.AttributeTypes(e.ctx, source)
	all := admin.Attributes{}
	if err != nil {
		return admin.AttributeChanges{}, err
	}
	for _, name := range f.unset {
		all[name] = nil
	}
	for _, given := range f.set {
		name, text, ok := strings.Cut(given, "=")
		if !ok {
			return admin.AttributeChanges{}, fmt.Errorf("--set %q is not NAME=VALUE", given)
		}
		value, err := attributeValue(text, types[name])
		if list, isList := value.([]any); isList {
			before, _ := all[name].([]any)
			value = append(before, list...)
		} else if _, repeated := all[name]; repeated {
			err = fmt.Errorf("attribute %q is repeated, but is not a list", name)
		}
		if err != nil {
			return admin.AttributeChanges{}, err
		}
		all[name] = value
	}
	return admin.AttributeChanges{Attributes: all}, nil
}

func attributeValue(text string, t directory.AttributeType) (any, error) {
	switch t {
	case directory.NumberValue:
		number, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("%q is not a number", text)
		}
		return number, nil
	case directory.BooleanValue:
		truth, err := strconv.ParseBool(text)
		if err != nil {
			return nil, fmt.Errorf("%q is neither true nor false", text)
		}
		return truth, nil
	case directory.ListValue:
		return []any{text}, nil
	}
	return text, nil
}

// attributesText describes attributes on one line.
func attributesText(all admin.Attributes) string {
	var texts []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		value, _ := json.Marshal(all[name]) // was read from JSON
		texts = append(texts, name+"="+string(value))
	}
	return joinOrDash(texts)
}
