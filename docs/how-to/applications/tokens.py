"""Access tokens of one user: one for each API, and a new one before the old one ends."""

import time


class SignInAgain(Exception):
    """The authorization is over. Send the user through the authorization request again."""


class Tokens:
    """`save` writes the refresh token to where it is kept for the user, encrypted: it changes with public clients."""

    def __init__(self, http, endpoint, authentication, refresh_token, save):
        self.http, self.endpoint, self.authentication = http, endpoint, authentication
        self.refresh_token, self.save = refresh_token, save
        self.kept = {}  # an API to its token, and when that ends

    def token_for(self, resource):
        token, ends = self.kept.get(resource, ("", 0))
        return token if time.time() < ends - 30 else self.renewed(resource)

    def renewed(self, resource):
        form = {"grant_type": "refresh_token", "refresh_token": self.refresh_token, "resource": resource}
        response = self.http.post(self.endpoint, data=form, auth=self.authentication)
        answer = response.json()
        if answer.get("error") == "invalid_grant":
            raise SignInAgain(answer["error_description"])
        response.raise_for_status()
        self.refresh_token = answer["refresh_token"]
        self.save(self.refresh_token)
        self.kept[resource] = answer["access_token"], time.time() + answer["expires_in"]
        return answer["access_token"]


def call(http, tokens, resource, path):
    """Ask the API. A token that was revoked meanwhile is replaced once; what is refused then is refused."""
    token = tokens.token_for(resource)
    response = http.get(resource + path, headers={"Authorization": f"Bearer {token}"})
    if response.status_code == 401:
        token = tokens.renewed(resource)
        response = http.get(resource + path, headers={"Authorization": f"Bearer {token}"})
    return response
