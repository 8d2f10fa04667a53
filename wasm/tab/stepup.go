package tab

// StepUp navigates to the organization's step-up, and finishes the switch when the page
// is back at returnTo. loginURL is the refusal's, or empty.
func (t *Tab) StepUp(organization, loginURL, returnTo string) {
	to := t.StepUpURL(organization, loginURL, returnTo, "")
	t.mu.Lock()
	defer t.mu.Unlock()
	t.binding.setPending(organization)
	t.binding.drop(organization) // it was minted before the step-up
	t.save()
	t.env.Page.Navigate(to)
}

// StepUpURL starts an organization's step-up, or the sign-in that loginURL names, and
// returns the address at which a window of its own goes on with it. The tab stays as it
// is. email is as in [Hints].
func (t *Tab) StepUpURL(organization, loginURL, returnTo, email string) string {
	t.mu.Lock()
	user := t.binding.record.User.ID
	t.mu.Unlock()
	return t.beginSignIn(t.config.stepUpURL(organization, loginURL), user, returnTo, email)
}

// Renew returns a token of an organization, by id or slug, that is newer than old; empty
// is the tab's own organization. If it fails, the tab keeps the old token.
func (t *Tab) Renew(organization, old string) (string, *Error) {
	name, err := t.makeDue(organization, old)
	if err != nil {
		return "", err
	}
	h, err := t.mint(name, false)
	if err != nil {
		return "", err
	}
	return h.credential(), nil
}

// makeDue makes a token due for renewal, and returns the name of its organization.
func (t *Tab) makeDue(organization, old string) (name string, err *Error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err := t.waitStarted(); err != nil {
		return "", err
	}
	t.checkSleep()
	name, h, err := t.binding.pick(organization, "")
	now := t.clock.now()
	switch {
	case err != nil:
		return "", err
	case now < t.backoff.until:
		return "", t.backoff.err
	case h != nil && h.answer.AccessToken == old:
		h.renewAt = now
	}
	return name, nil
}
