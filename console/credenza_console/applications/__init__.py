"""Applications: two lists, their creation, and the views of one. A file for each, templates of the same names."""

from __future__ import annotations

from credenza import ConsolePage

from . import (
    activity,
    creation,
    danger,
    kit,
    listing,
    people,
    permissions,
    secrets,
    settings,
    trial,
    trial_end,
)

PAGE = ConsolePage(
    "Applications",
    "/console/applications",
    icon="app-window",
    order=100,
    find=listing.find,
    routes=(
        listing.list_own,
        listing.list_third_party,
        creation.choose_party,
        creation.choose_type,
        creation.show_form,
        creation.create,
        settings.show_settings,
        settings.save_settings,
        secrets.show_new_secret,
        secrets.create_secret,
        secrets.show_delete_secret,
        secrets.delete_secret,
        danger.show_availability,
        danger.save_availability,
        danger.show_delete,
        danger.delete,
        permissions.list_permissions,
        permissions.edit_permission,
        permissions.show_picker,
        permissions.add_permissions,
        permissions.show_remove,
        permissions.remove_permission,
        people.list_people,
        activity.list_activity,
        kit.show_kit,
        kit.download_environment,
        trial.show_try,
        trial.start,
        trial_end.finish,
    ),
)

__all__ = ["PAGE"]
