"""A prompt with all that belongs to it: nobody goes on without having accepted the terms in force.

The terms are a part of the desired-state file, who accepted which version is a table, and `/terms` shows them.
"""

from credenza import SignInLink, hookimpl

from .prompt import AcceptTerms, terms_page
from .state import SECTION
from .tables import APP_CONFIG


@hookimpl
def register_prompts():
    return AcceptTerms()


@hookimpl
def register_routes():
    return terms_page


@hookimpl
def register_sign_in_links():
    return SignInLink("Terms of use", "/terms")


@hookimpl
def register_metadata(settings):
    return {"op_tos_uri": f"{settings.issuer}/terms"}


@hookimpl
def register_tables():
    return APP_CONFIG


@hookimpl
def register_state():
    return SECTION
