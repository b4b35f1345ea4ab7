"""JavaScript, in browsers and on servers."""

from __future__ import annotations

from .filled import SECRET, Filled, Snippet


def openid_client(kit: Filled) -> Snippet:
    plain = "\n  { execute: [client.allowInsecureRequests] }, // http, for this machine only" if kit.plain else ""
    code = f"""import * as client from "openid-client";

const config = await client.discovery(
  new URL("{kit.issuer}"),
  "{kit.client.id}",
  undefined,
  client.{_authentication(kit)},{plain}
);

// where people sign in; keep codeVerifier and state in the session, and lead the browser to url:
const codeVerifier = client.randomPKCECodeVerifier();
const state = client.randomState();
const url = client.buildAuthorizationUrl(config, {{
  redirect_uri: "{kit.redirect_uri}",
  scope: "{kit.scope}",
  code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
  code_challenge_method: "S256",
  state,
}});

// at the redirect URI, whose whole address is currentUrl:
const tokens = await client.authorizationCodeGrant(config, new URL(currentUrl), {{
  pkceCodeVerifier: codeVerifier,
  expectedState: state,
}});
const user = await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub);"""
    return Snippet("openid-client", "openid-client", "JavaScript: Node, Deno, Bun or a browser.", code)


def oauth4webapi(kit: Filled) -> Snippet:
    options = ", options" if kit.plain else ""
    plain = "const options = { [oauth.allowInsecureRequests]: true }; // http, for this machine only\n"
    code = f"""import * as oauth from "oauth4webapi";

const issuer = new URL("{kit.issuer}");
{plain if kit.plain else ""}const discovered = await oauth.discoveryRequest(issuer{options});
const as = await oauth.processDiscoveryResponse(issuer, discovered);
const client = {{ client_id: "{kit.client.id}" }};
const clientAuth = oauth.{_authentication(kit)};
const redirectUri = "{kit.redirect_uri}";

// where people sign in; keep codeVerifier and state in the session, and lead the browser to url:
const codeVerifier = oauth.generateRandomCodeVerifier();
const state = oauth.generateRandomState();
const url = new URL(as.authorization_endpoint);
url.searchParams.set("client_id", client.client_id);
url.searchParams.set("redirect_uri", redirectUri);
url.searchParams.set("response_type", "code");
url.searchParams.set("scope", "{kit.scope}");
url.searchParams.set("state", state);
url.searchParams.set("code_challenge", await oauth.calculatePKCECodeChallenge(codeVerifier));
url.searchParams.set("code_challenge_method", "S256");

// at the redirect URI, whose whole address is currentUrl:
const code = oauth.validateAuthResponse(as, client, new URL(currentUrl), state);
const answer = await oauth.authorizationCodeGrantRequest(
  as, client, clientAuth, code, redirectUri, codeVerifier{options}
);
const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, {{ requireIdToken: true }});
const {{ sub }} = oauth.getValidatedIdTokenClaims(tokens);
const user = await oauth.processUserInfoResponse(
  as, client, sub, await oauth.userInfoRequest(as, client, tokens.access_token{options})
);"""
    return Snippet("oauth4webapi", "oauth4webapi", "JavaScript without dependencies: edge workers and browsers.", code)


def authjs(kit: Filled) -> Snippet:
    secret = f'\n      clientSecret: "{SECRET}",' if kit.secret else ""
    userinfo = "" if kit.client.claims_in_id_token else "\n      idToken: false, // ask UserInfo for name and email"
    code = f"""import NextAuth from "next-auth";

export const {{ handlers, auth, signIn, signOut }} = NextAuth({{
  providers: [
    {{
      id: "credenza",
      name: "Credenza",
      type: "oidc",
      issuer: "{kit.issuer}",
      clientId: "{kit.client.id}",{secret}
      client: {{ token_endpoint_auth_method: "{kit.client.auth_method}" }},
      checks: ["pkce", "state", "nonce"],{userinfo}
      authorization: {{ params: {{ scope: "{kit.scope}" }} }},
    }},
  ],
}});"""
    hint = (
        "JavaScript: Next.js, SvelteKit, Express. It comes back to /api/auth/callback/credenza, without /api where the "
        "framework is not Next.js: register that address. Its own AUTH_SECRET stands in the environment."
    )
    return Snippet("authjs", "Auth.js", hint, code)


def oidc_client_ts(kit: Filled) -> Snippet:
    code = f"""import {{ UserManager }} from "oidc-client-ts";

const users = new UserManager({{
  authority: "{kit.issuer}",
  client_id: "{kit.client.id}",
  redirect_uri: "{kit.redirect_uri}",
  scope: "{kit.scope}",
  loadUserInfo: true,
}});

// where people sign in:
await users.signinRedirect();

// at the redirect URI:
const {{ profile, access_token }} = await users.signinCallback();"""
    hint = "JavaScript in a browser, also inside react-oidc-context. Register the origin of the application for CORS."
    return Snippet("oidc-client-ts", "oidc-client-ts", hint, code)


def _authentication(kit: Filled) -> str:
    """How the application authenticates, as both libraries of one author call it."""
    return {
        "client_secret_post": f'ClientSecretPost("{SECRET}")',
        "client_secret_basic": f'ClientSecretBasic("{SECRET}")',
        "none": "None()",
    }.get(kit.client.auth_method, "PrivateKeyJwt(privateKey)")
