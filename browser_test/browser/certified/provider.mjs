// npm oidc-provider, a certified OpenID provider that is independent of
// Tabard, with one client. It prints its issuer and serves until its standard input
// ends. GET /test/disable/ID disables an account, and GET /test/revoke revokes all refresh
// tokens.
//
//	node provider.mjs CLIENT_ID CLIENT_SECRET REDIRECT_URI POST_LOGOUT_REDIRECT_URI BACKCHANNEL_LOGOUT_URI
import { createServer } from "node:http";
import { Provider } from "oidc-provider";

const [client_id, client_secret, redirect_uri, post_logout_redirect_uri, backchannel_logout_uri] = process.argv.slice(2);

const server = createServer();
const disabled = new Set();
const refreshTokens = [];
server.listen(0, "127.0.0.1", () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{
      client_id, client_secret,
      redirect_uris: [redirect_uri],
      post_logout_redirect_uris: [post_logout_redirect_uri],
      token_endpoint_auth_method: "client_secret_basic",
      grant_types: ["authorization_code", "refresh_token"],
      backchannel_logout_uri,
      backchannel_logout_session_required: true,
    }],
    pkce: { required: () => true },
    features: { backchannelLogout: { enabled: true } },
    fetch: (url, { dispatcher, ...options }) => fetch(url, options), // its dispatcher refuses loopback
    claims: { profile: ["name"], email: ["email", "email_verified"] },
    findAccount: (_, id) => disabled.has(id) ? undefined : {
      accountId: id,
      claims: () => ({ sub: id, name: `Account ${id}`, email: `${id}@example.com`, email_verified: true }),
    },
    issueRefreshToken: (_, client) => client.grantTypeAllowed("refresh_token"),
    rotateRefreshToken: true,
    cookies: { keys: [client_secret] },
    ttl: { Interaction: 600, Session: 3600, Grant: 3600, AccessToken: 300, IdToken: 86_400, RefreshToken: 86_400 },
  });
  provider.on("backchannel.error", (_, error) => console.error(error));
  provider.on("refresh_token.saved", (token) => refreshTokens.push(token));
  const serve = provider.callback();
  server.on("request", async (request, response) => {
    const [, test, act, id] = request.url.split("/");
    if (test !== "test") return serve(request, response);
    if (act === "disable") disabled.add(id);
    if (act === "revoke") await Promise.all(refreshTokens.map((token) => token.destroy()));
    response.end();
  });
  console.log(issuer);
});

process.stdin.on("end", () => process.exit(0)).resume();
