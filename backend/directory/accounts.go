package directory

// Accounts is how many people can be signed in to an app in one browser.
type Accounts string

const (
	// OneAccount is the default: a sign-in ends the session of another person.
	OneAccount Accounts = ""
	// SeveralAccounts lets a person be added to those of the browser, up to MaxAccounts.
	// Each tab acts for one of them.
	SeveralAccounts Accounts = "several"
)

// MaxAccounts is the largest number of people in one browser.
const MaxAccounts = 4

// appAccounts checks how many people an app lets into a browser.
func (c *checker) appAccounts(at place, a App) {
	switch {
	case a.Accounts != OneAccount && a.Accounts != SeveralAccounts:
		c.fault(at, "accounts is %q; it is one or several", a.Accounts)
	case a.Accounts == SeveralAccounts && a.OriginPattern() != "":
		c.fault(at, "app %q has accounts: several and an origin with %s, which do not go together", a.ID, OriginVariable)
	}
}
