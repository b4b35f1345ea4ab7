"""What an API checks before it believes a request: who made the token, for whom, until when, and what it allows."""

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet


class Refused(Exception):
    """Answer with `status` and the header `WWW-Authenticate: challenge`. RFC 6750 §3."""

    def __init__(self, status, challenge):
        self.status, self.challenge = status, challenge


class Guard:
    def __init__(self, http, issuer, resource):
        self.http, self.issuer, self.resource = http, issuer, resource
        metadata = http.get(f"{issuer}/.well-known/openid-configuration").json()
        self.jwks_uri = metadata["jwks_uri"]
        self.fetch_keys()

    def fetch_keys(self):
        self.keys = KeySet.import_key_set(self.http.get(self.jwks_uri).json())

    def check(self, authorization, scope):
        """The claims of the token in an `Authorization` header, when it allows `scope`. RFC 9068 §4."""
        kind, _, token = authorization.partition(" ")
        if kind.lower() != "bearer":
            raise Refused(401, "Bearer")
        try:
            claims = self.read(token)
        except (JoseError, ValueError) as error:
            raise Refused(401, 'Bearer error="invalid_token"') from error
        if scope not in claims["scope"].split():
            raise Refused(403, f'Bearer error="insufficient_scope", scope="{scope}"')
        return claims

    def read(self, token):
        decoded = self.decoded(token)
        if decoded.header.get("typ") != "at+jwt":
            raise ValueError("an ID token, or something else that we signed, is no access token")
        if "cnf" in decoded.claims:
            raise ValueError("bound to a key: it comes with a DPoP proof, or it was stolen")
        wanted = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self.resource},
            "exp": {"essential": True},
        }
        jwt.JWTClaimsRegistry(**wanted).validate(decoded.claims)
        return decoded.claims

    def decoded(self, token):
        algorithms = ["RS256", "ES256", "PS256"]
        try:
            return jwt.decode(token, self.keys, algorithms=algorithms)
        except InvalidKeyIdError:
            self.fetch_keys()  # the provider has a new one; in earnest at most once a minute
            return jwt.decode(token, self.keys, algorithms=algorithms)
