"""What a developer pastes, filled in for one application: a file or a few lines for each library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from credenza import Client

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
REDIRECT = "https://app.example.com/callback"
SECRET = "<the secret you copied>"  # noqa: S105  # a place for one


@dataclass(frozen=True, slots=True)
class Snippet:
    """`name` is its anchor; `hint` says whom it is for."""

    name: str
    title: str
    hint: str
    code: str


@dataclass(frozen=True, slots=True)
class Filled:
    """What every snippet needs of an application and of this server."""

    client: Client
    issuer: str
    discovery: str
    token_endpoint: str
    device_endpoint: str
    redirect_uri: str
    scope: str

    @property
    def secret(self) -> bool:
        """Whether the application authenticates with a secret."""
        return self.client.auth_method.startswith("client_secret")

    @property
    def plain(self) -> bool:
        """Whether this server is on the developer's own machine, without TLS: some libraries have to be told."""
        return self.issuer.startswith("http://")

    @property
    def scopes(self) -> list[str]:
        return self.scope.split(" ")


def scopes_of(client: Client) -> str:
    """What the application may ask for, as the value of `scope`."""
    own = [p.scope for p in sorted(client.ceiling or {}) if not p.resource]
    if client.ceiling is None:
        own = ["profile", "email"]
    return " ".join(["openid", *own, *(["offline_access"] if client.offline_access else [])])


def filled(client: Client, issuer: str, document: Mapping[str, object]) -> Filled:
    return Filled(
        client=client,
        issuer=issuer,
        discovery=f"{issuer}/.well-known/openid-configuration",
        token_endpoint=str(document["token_endpoint"]),
        device_endpoint=str(document["device_authorization_endpoint"]),
        redirect_uri=client.redirect_uris[0] if client.redirect_uris else REDIRECT,
        scope=scopes_of(client),
    )


def environment(kit: Filled) -> str:
    """A `.env` file. Its secret is a place to paste one: only its hash is kept here."""
    lines = [f"OIDC_ISSUER={kit.issuer}", f"OIDC_CLIENT_ID={kit.client.id}"]
    if kit.secret:
        lines.append(f'OIDC_CLIENT_SECRET="{SECRET}"')
    if kit.client.type.redirects:
        lines.append(f"OIDC_REDIRECT_URI={kit.redirect_uri}")
    if kit.client.type.interactive:
        lines.append(f'OIDC_SCOPE="{kit.scope}"')
    if not kit.client.type.redirects:
        lines.append(f"OIDC_TOKEN_ENDPOINT={kit.token_endpoint}")
    return "\n".join(lines)


def snippets(kit: Filled) -> tuple[Snippet, ...]:
    """For a service curl; for a browser or native application what runs there; for a server all of them."""
    if not kit.client.type.interactive:
        return (curl(kit),)
    by_code = (device(kit),) if DEVICE_CODE in kit.client.grant_types else ()
    return (*_redirecting(kit), *by_code) if kit.client.type.redirects else by_code


def _redirecting(kit: Filled) -> tuple[Snippet, ...]:
    if not kit.client.confidential:
        if not kit.client.type.native:
            return (oidc_client_ts(kit), openid_client(kit), oauth4webapi(kit))
        return (openid_client(kit), oauth4webapi(kit), authlib(kit))
    return (
        authlib(kit),
        authjs(kit),
        openid_client(kit),
        oauth4webapi(kit),
        spring(kit),
        aspnet(kit),
        go_oidc(kit),
        omniauth(kit),
        mod_auth_openidc(kit),
    )


def authlib(kit: Filled) -> Snippet:
    secret = f'\n    client_secret="{SECRET}",' if kit.secret else ""
    code = f"""from authlib.integrations.starlette_client import OAuth

oauth = OAuth()
oauth.register(
    "credenza",
    server_metadata_url="{kit.discovery}",
    client_id="{kit.client.id}",{secret}
    client_kwargs={{
        "scope": "{kit.scope}",
        "code_challenge_method": "S256",
        "token_endpoint_auth_method": "{kit.client.auth_method}",
    }},
)

# where people sign in:
return await oauth.credenza.authorize_redirect(request, "{kit.redirect_uri}")

# at the redirect URI:
tokens = await oauth.credenza.authorize_access_token(request)
user = await oauth.credenza.userinfo(token=tokens)"""
    hint = (
        "Python: FastAPI and Starlette, with their SessionMiddleware. For Django take django_client and leave out "
        "await; for Flask flask_client, OAuth(app), and neither await nor request."
    )
    return Snippet("authlib", "Authlib", hint, code)


def openid_client(kit: Filled) -> Snippet:
    method = {
        "client_secret_post": f'client.ClientSecretPost("{SECRET}")',
        "client_secret_basic": f'client.ClientSecretBasic("{SECRET}")',
        "none": "client.None()",
    }.get(kit.client.auth_method, "client.PrivateKeyJwt(privateKey)")
    plain = "\n  { execute: [client.allowInsecureRequests] }, // http, for this machine only" if kit.plain else ""
    code = f"""import * as client from "openid-client";

const config = await client.discovery(
  new URL("{kit.issuer}"),
  "{kit.client.id}",
  undefined,
  {method},{plain}
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
    method = {
        "client_secret_post": f'oauth.ClientSecretPost("{SECRET}")',
        "client_secret_basic": f'oauth.ClientSecretBasic("{SECRET}")',
        "none": "oauth.None()",
    }.get(kit.client.auth_method, "oauth.PrivateKeyJwt(privateKey)")
    options = ", options" if kit.plain else ""
    plain = "const options = { [oauth.allowInsecureRequests]: true }; // http, for this machine only\n"
    code = f"""import * as oauth from "oauth4webapi";

const issuer = new URL("{kit.issuer}");
{plain if kit.plain else ""}const discovered = await oauth.discoveryRequest(issuer{options});
const as = await oauth.processDiscoveryResponse(issuer, discovered);
const client = {{ client_id: "{kit.client.id}" }};
const clientAuth = {method};
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


def spring(kit: Filled) -> Snippet:
    secret = f'\n            client-secret: "{SECRET}"' if kit.secret else ""
    code = f"""spring:
  security:
    oauth2:
      client:
        registration:
          credenza:
            client-id: "{kit.client.id}"{secret}
            client-authentication-method: {kit.client.auth_method}
            authorization-grant-type: authorization_code
            redirect-uri: "{kit.redirect_uri}"
            scope: [{", ".join(kit.scopes)}]
        provider:
          credenza:
            issuer-uri: {kit.issuer}"""
    hint = "Java: application.yml. Spring's own callback is {baseUrl}/login/oauth2/code/credenza."
    if kit.client.require_pkce:
        hint += " Before version 7 it sends PKCE only with OAuth2AuthorizationRequestCustomizers.withPkce()."
    return Snippet("spring", "Spring Security", hint, code)


def aspnet(kit: Filled) -> Snippet:
    secret = f'\n    options.ClientSecret = "{SECRET}";' if kit.secret else ""
    scopes = "\n".join(f'    options.Scope.Add("{scope}");' for scope in kit.scopes)
    plain = "\n    options.RequireHttpsMetadata = false; // http, for this machine only" if kit.plain else ""
    path = "/" + kit.redirect_uri.split("://", 1)[-1].partition("/")[2]
    code = f"""builder.Services.AddAuthentication(options => {{
    options.DefaultScheme = CookieAuthenticationDefaults.AuthenticationScheme;
    options.DefaultChallengeScheme = OpenIdConnectDefaults.AuthenticationScheme;
}}).AddCookie().AddOpenIdConnect(options => {{
    options.Authority = "{kit.issuer}";
    options.ClientId = "{kit.client.id}";{secret}
    options.ResponseType = OpenIdConnectResponseType.Code;{plain}
    options.CallbackPath = "{path}";
    options.UsePkce = true;
    options.MapInboundClaims = false;
    options.GetClaimsFromUserInfoEndpoint = true;
    options.Scope.Clear();
{scopes}
}});"""
    hint = "C#: Program.cs, with Microsoft.AspNetCore.Authentication.OpenIdConnect."
    if kit.client.auth_method == "client_secret_basic":
        hint += " It sends the secret in the form: choose client_secret_post under Settings first."
    return Snippet("aspnet", "ASP.NET Core", hint, code)


def go_oidc(kit: Filled) -> Snippet:
    secret = f'\n\tClientSecret: "{SECRET}",' if kit.secret else ""
    scopes = ", ".join(f'"{scope}"' for scope in kit.scopes)
    code = f"""provider, err := oidc.NewProvider(ctx, "{kit.issuer}")
if err != nil {{
\treturn err
}}
config := oauth2.Config{{
\tClientID:     "{kit.client.id}",{secret}
\tEndpoint:     provider.Endpoint(),
\tRedirectURL:  "{kit.redirect_uri}",
\tScopes:       []string{{{scopes}}},
}}

// where people sign in; keep verifier, state and nonce in the session, and lead the browser to url:
verifier, state, nonce := oauth2.GenerateVerifier(), rand.Text(), rand.Text()
url := config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), oidc.Nonce(nonce))

// at the redirect URI, whose parameters are query:
if query.Get("state") != state {{
\treturn errors.New("another sign-in")
}}
token, err := config.Exchange(ctx, query.Get("code"), oauth2.VerifierOption(verifier))
if err != nil {{
\treturn err
}}
raw, _ := token.Extra("id_token").(string)
idToken, err := provider.Verifier(&oidc.Config{{ClientID: config.ClientID}}).Verify(ctx, raw)
if err != nil {{
\treturn err
}}
if idToken.Nonce != nonce {{
\treturn errors.New("another sign-in")
}}
user, err := provider.UserInfo(ctx, oauth2.StaticTokenSource(token))"""
    return Snippet("go-oidc", "go-oidc", "Go 1.24, with golang.org/x/oauth2 and crypto/rand.", code)


def omniauth(kit: Filled) -> Snippet:
    secret = f'\n      secret: "{SECRET}",' if kit.secret else ""
    method = {"client_secret_basic": "basic", "client_secret_post": "post"}.get(kit.client.auth_method, "jwt_bearer")
    scopes = ", ".join(f":{scope}" if scope.isidentifier() else f'"{scope}"' for scope in kit.scopes)
    code = f"""Rails.application.config.middleware.use OmniAuth::Builder do
  provider :openid_connect,
    name: :credenza,
    issuer: "{kit.issuer}",
    discovery: true,
    scope: [{scopes}],
    response_type: :code,
    pkce: true,
    client_auth_method: :{method},
    client_options: {{
      identifier: "{kit.client.id}",{secret}
      redirect_uri: "{kit.redirect_uri}",
    }}
end"""
    hint = "Ruby on Rails, with omniauth_openid_connect: config/initializers/omniauth.rb."
    return Snippet("omniauth", "OmniAuth", hint, code)


def mod_auth_openidc(kit: Filled) -> Snippet:
    secret = f'\nOIDCClientSecret "{SECRET}"' if kit.secret else ""
    code = f"""OIDCProviderMetadataURL {kit.discovery}
OIDCClientID {kit.client.id}{secret}
OIDCRedirectURI {kit.redirect_uri}
OIDCScope "{kit.scope}"
OIDCPKCEMethod S256
OIDCProviderTokenEndpointAuth {kit.client.auth_method}
OIDCCryptoPassphrase "exec:/usr/bin/openssl rand -hex 32"

<Location />
  AuthType openid-connect
  Require valid-user
</Location>"""
    return Snippet("mod-auth-openidc", "mod_auth_openidc", "Apache httpd.", code)


def device(kit: Filled) -> Snippet:
    who = f'-u "{kit.client.id}:$OIDC_CLIENT_SECRET"' if kit.secret else f"-d client_id={kit.client.id}"
    code = f"""curl {kit.device_endpoint} {who} \\
  -d scope="{kit.scope}"

# Show user_code and verification_uri, or verification_uri_complete as a QR code.
# Then ask every `interval` seconds, for as long as the answer is authorization_pending:
curl {kit.token_endpoint} {who} \\
  -d device_code="$DEVICE_CODE" \\
  -d grant_type={DEVICE_CODE}"""
    hint = "For a screen without a browser: people sign in on another one."
    return Snippet("device", "Device authorization", hint, code)


def curl(kit: Filled) -> Snippet:
    first: Any = next((p for p in sorted(kit.client.ceiling or {}) if p.resource), None)
    more = ""
    if first is not None:
        more = f" \\\n  --data-urlencode resource={first.resource} \\\n  -d scope={first.scope}"
    code = (
        f'curl {kit.token_endpoint} \\\n  -u "{kit.client.id}:$OIDC_CLIENT_SECRET" \\\n'
        f"  -d grant_type=client_credentials{more}"
    )
    return Snippet("curl", "curl", "A token in the application's own name.", code)
