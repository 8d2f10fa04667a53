// A scenario's view of a client, of the real one and of the fake: evaluated in both.
globalThis.observer = (() => {
  const problem = (error) => error && { code: error.code, action: error.action, reason: error.reason ?? null };
  const claims = (token) => JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
  const names = (organizations) => organizations?.map(({ slug, state }) => `${slug} ${state}`) ?? null;

  /** The state and the partition, without the parts that differ from run to run. */
  const see = ({ state, partition }) => ({
    status: state.status, organization: state.organization?.slug ?? null, user: state.user?.name ?? null, roles: state.roles,
    permissions: state.permissions, organizations: names(state.organizations), error: problem(state.error), named: state.named ?? null,
    accounts: state.accounts?.map(({ name }) => name).sort() ?? null, continues: typeof state.continue === "function", idle: state.idle !== null, partition: partition.key !== "",
  });

  /** The result of a call; `last` keeps the one with a way on. */
  const told = (value) => {
    if (typeof value === "string") return { token: claims(value).org_slug };
    if (Array.isArray(value)) return names(value);
    if (value instanceof Response) return { status: value.status };
    if (!value?.status) return {};
    const { status, organization, code, action, reason } = value;
    return { status, organization: organization?.slug ?? null, code: code ?? null, action: action ?? null, reason: reason ?? null, continues: "continue" in value };
  };

  const idOf = async (client, name) => (await client.accounts()).find((one) => one.name === name).id;

  const calls = {
    fetch: (client) => client.fetch("/api/scenario"),
    second: (client, organization) => client.inOrganization(organization).getToken(),
    continue: () => globalThis.last.continue(),
    ask: (client, answer) => void client.beforeSwitch(({ from, to }) => ((globalThis.asked ??= []).push(`${from.slug} ${to}`), answer)),
    people: async (client) => ({ status: (await client.accounts()).map(({ name }) => name).sort().join() }),
    become: async (client, name, organization) => client.switchAccount(await idOf(client, name), { ...(organization && { organization }) }),
    signOutPerson: async (client, name) => client.signOut({ account: await idOf(client, name) }),
    watch: (client) => void (globalThis.watched = client.partition.signal),
    aborted: () => ({ status: globalThis.watched.aborted ? globalThis.watched.reason.code : "not aborted" }),
    asked: () => ({ status: (globalThis.asked ?? []).join() }),
    /** The error of a call that cannot be meant. */
    mistaken: async (client, name, ...args) => {
      try {
        await client[name](...args);
      } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        return { status: error.message };
      }
      return { status: "no error" };
    },
    both: async (client, ...organizations) => ({ status: (await Promise.all(organizations.map((name) => client.switchOrganization(name)))).map(({ status }) => status).join() }),
  };

  /** Makes a call, and returns its result. */
  const call = async (client, name, ...args) => {
    try {
      const value = await (calls[name] ? calls[name](client, ...args) : client[name](...args));
      if (value && typeof value === "object" && "continue" in value) globalThis.last = value;
      return told(value);
    } catch (error) {
      if (!error.code) throw error;
      globalThis.last = error;
      return { throws: problem(error), continues: typeof error.continue === "function" };
    }
  };
  return { see, call };
})();
