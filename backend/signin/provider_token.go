package signin

import (
	"log/slog"

	"github.com/tabard-auth/tabard/backend/authn"
	"github.com/tabard-auth/tabard/backend/directory"
	"github.com/tabard-auth/tabard/backend/login"
	"github.com/tabard-auth/tabard/backend/session"
)

// keepProviderToken keeps the provider's refresh token for a session, if the provider is
// to be asked again whether it knows the person, and returns when it is asked first, or 0
// for never. It comes before the session, so that no session misses its token.
func (f *Flow) keepProviderToken(c *authn.Request, s session.Session, connection string, own *directory.Connection, i login.Identity) (int64, error) {
	setting, provider := c.Workspace.SignIn.Revalidation, f.provider
	if own != nil {
		var err error
		if setting = own.Revalidation; setting.Revalidate > 0 {
			if provider, err = f.ForConnection(*own); err != nil {
				return 0, err
			}
		}
	}
	if setting.Revalidate == 0 {
		return 0, nil
	}
	if i.RefreshToken == "" {
		c.Warn("the provider issued no refresh token, so that it cannot be asked whether it still knows the person: "+
			"allow this client the grant refresh_token and the scope offline_access", slog.String("provider", provider.Issuer()))
		return 0, nil
	}
	t := session.ProviderToken{
		Session: s.Root(), Connection: connection, Sealed: f.tokens.Seal(i.RefreshToken, connection, provider.Issuer()),
		AnsweredAt: c.Now, DueAt: c.Now + setting.Revalidate, ExpiresAt: s.ExpiresAt,
	}
	return t.DueAt, f.store.KeepProviderToken(c.Ctx, t)
}

// addProviderToken keeps the provider's refresh token of a step-up. It replaces the one of
// an earlier authentication there.
func (f *Flow) addProviderToken(c *authn.Request, s session.Session, connection string, own *directory.Connection, i login.Identity) error {
	due, err := f.keepProviderToken(c, s, connection, own, i)
	if err != nil || due == 0 {
		return err
	}
	return f.store.ScheduleRevalidation(c.Ctx, s.Root(), false)
}
