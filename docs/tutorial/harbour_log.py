"""Harbour Log: an application that signs people in with Credenza, and greets them by name."""

import os
import secrets
import sys
from http.cookies import SimpleCookie
from urllib.parse import parse_qs
from wsgiref.simple_server import make_server

from authlib.integrations.httpx_client import OAuth2Client

ISSUER = os.environ.get("ISSUER", "http://localhost:8400")
PORT = int(os.environ.get("PORT", "8402"))
HOME = f"http://localhost:{PORT}"

client = OAuth2Client(
    "harbour-log",
    os.environ["CLIENT_SECRET"],
    scope="openid profile email",
    redirect_uri=f"{HOME}/callback",
    code_challenge_method="S256",
)
provider = client.request("GET", f"{ISSUER}/.well-known/openid-configuration", withhold_token=True).json()
waiting = {}  # sign-ins that have begun: state to code verifier


def sign_in(environ):
    verifier = secrets.token_urlsafe(48)
    url, state = client.create_authorization_url(provider["authorization_endpoint"], code_verifier=verifier)
    waiting[state] = verifier
    cookie = f"state={state}; HttpOnly; SameSite=Lax"
    return "303 See Other", [("Location", url), ("Set-Cookie", cookie)], ""


def callback(environ):
    answer = parse_qs(environ["QUERY_STRING"])
    state = answer.get("state", [""])[0]
    cookie = SimpleCookie(environ.get("HTTP_COOKIE", ""))
    if "state" not in cookie or cookie["state"].value != state or state not in waiting:
        return "400 Bad Request", [], "This sign-in was not begun here."
    verifier = waiting.pop(state)
    if "error" in answer:
        return "200 OK", [], f"You did not sign in: {answer['error'][0]}"
    if answer.get("iss") != [provider["issuer"]]:
        return "400 Bad Request", [], "This answer is somebody else's."
    client.fetch_token(provider["token_endpoint"], code=answer["code"][0], code_verifier=verifier)
    user = client.get(provider["userinfo_endpoint"]).json()
    return "200 OK", [], f"Hello, {user['name']}! Your email address is {user['email']}."


def application(environ, start_response):
    pages = {"/": sign_in, "/callback": callback}
    page = pages.get(environ["PATH_INFO"])
    status, headers, text = page(environ) if page else ("404 Not Found", [], "There is no such page.")
    start_response(status, [("Content-Type", "text/plain; charset=utf-8"), *headers])
    return [text.encode()]


if __name__ == "__main__":
    sys.stdout.write(f"Open {HOME}\n")
    make_server("localhost", PORT, application).serve_forever()
