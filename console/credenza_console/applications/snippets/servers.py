"""Frameworks and servers in other languages than JavaScript."""

from __future__ import annotations

from .filled import SECRET, Filled, Snippet


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
    # Otherwise x/oauth2 tries a secret first, an empty one, and every sign-in has a refused request.
    public = "" if kit.client.confidential else "\nendpoint.AuthStyle = oauth2.AuthStyleInParams // it has no secret"
    code = f"""provider, err := oidc.NewProvider(ctx, "{kit.issuer}")
if err != nil {{
\treturn err
}}
endpoint := provider.Endpoint(){public}
config := oauth2.Config{{
\tClientID:     "{kit.client.id}",{secret}
\tEndpoint:     endpoint,
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
if query.Has("error") {{
\treturn errors.New(query.Get("error_description"))
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
    plain = "SWD.url_builder = URI::HTTP # for the discovery at http, for this machine only\n\n" if kit.plain else ""
    code = f"""{plain}Rails.application.config.middleware.use OmniAuth::Builder do
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
