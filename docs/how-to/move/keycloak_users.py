"""The users of a Keycloak realm as a desired-state file: `python keycloak_users.py realm.json > users.json`."""

import json
import sys
from pathlib import Path


def password_hash(credential):
    """In the PHC string format, which Keycloak's two members are put together to."""
    how, what = json.loads(credential["credentialData"]), json.loads(credential["secretData"])
    kind, times = how["algorithm"], how["hashIterations"]
    end = f"${what['salt'].rstrip('=')}${what['value'].rstrip('=')}"
    if kind == "argon2":
        more = {name: values[0] for name, values in how["additionalParameters"].items()}
        version = {"1.0": 16, "1.3": 19}[more["version"]]
        return f"$argon2{more['type']}$v={version}$m={more['memory']},t={times},p={more['parallelism']}{end}"
    return f"${'pbkdf2-sha1' if kind == 'pbkdf2' else kind}$i={times}{end}"


def user(there):
    names = {"given_name": there.get("firstName"), "family_name": there.get("lastName")}
    profile = {name: value for name, value in names.items() if value}
    here = {
        "username": there["username"].replace("@", "-at-"),  # people sign in with the address, too
        "email": there.get("email"),
        "email_verified": there.get("emailVerified", False),
        "profile": profile | ({"name": " ".join(profile.values())} if profile else {}),
        "custom_data": {"keycloak_id": there["id"]},
        "suspended": not there.get("enabled", True),
    }
    hashes = [password_hash(each) for each in there.get("credentials", []) if each["type"] == "password"]
    return here | ({"password_hash": hashes[0]} if hashes else {})


realm = json.loads(Path(sys.argv[1]).read_text())
people = [user(each) for each in realm.get("users", []) if "serviceAccountClientId" not in each]
json.dump({"users": people}, sys.stdout, indent=2)
