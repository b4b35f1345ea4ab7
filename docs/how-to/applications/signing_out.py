"""Signing out, in both directions: the user leaves here, or left somewhere else."""

from urllib.parse import urlencode

from joserfc import jwt

EVENT = "http://schemas.openid.net/event/backchannel-logout"


def sign_out_address(endpoint, id_token, home, state):
    """Where to send the browser, once your own session is over. OpenID Connect RP-Initiated Logout §2."""
    return f"{endpoint}?{urlencode({'id_token_hint': id_token, 'post_logout_redirect_uri': home, 'state': state})}"


def signed_out_elsewhere(logout_token, keys, issuer, client_id):
    """Whose session is over: `sub`, and `sid` of the session. Raises when it is no logout token of ours.

    OpenID Connect Back-Channel Logout §2.6.
    """
    decoded = jwt.decode(logout_token, keys, algorithms=["RS256", "ES256", "PS256"])
    wanted = {
        "iss": {"essential": True, "value": issuer},
        "aud": {"essential": True, "value": client_id},
        "exp": {"essential": True},
        "jti": {"essential": True},
    }
    jwt.JWTClaimsRegistry(**wanted).validate(decoded.claims)
    if decoded.header.get("typ") != "logout+jwt" or "nonce" in decoded.claims or EVENT not in decoded.claims["events"]:
        raise ValueError("not a logout token")
    return decoded.claims["sub"], decoded.claims["sid"]
