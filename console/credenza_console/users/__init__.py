"""Users: the list, their creation, and one user with sessions and consents. Templates of the same names."""

from __future__ import annotations

from credenza import ConsolePage

from . import creation, danger, details, factors, listing, new_password

PAGE = ConsolePage(
    "Users",
    "/console/users",
    icon="users",
    order=200,
    find=listing.find,
    routes=(
        listing.list_users,
        creation.show_form,
        creation.create,
        details.show_user,
        details.save_user,
        factors.show_factors,
        factors.reset_factor,
        details.show_sessions,
        details.end_session,
        details.show_consents,
        details.remove_consent,
        danger.show_link,
        danger.create_link,
        new_password.show_new_password,
        new_password.require,
        danger.show_suspension,
        danger.save_suspension,
        danger.show_delete,
        danger.delete,
    ),
)

__all__ = ["PAGE"]
