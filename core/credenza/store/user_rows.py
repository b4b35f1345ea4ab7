"""The tables of users, and of the links that let them set a password."""

from __future__ import annotations

import re

from piccolo.columns import BigInt, Boolean, ForeignKey, OnDelete, Text, Varchar
from piccolo.table import Table

USER_ID = re.compile(r"u[0-9a-f]{30}")


class UserRow(Table, tablename="credenza_user"):
    """`words` are what the console finds them by, in lower case: small enough to be read as an index. They have had the
    email address since `email_since`, and where that is not known since `created_at`.
    """

    id = Varchar(length=40, primary_key=True)
    username = Varchar(length=150, unique=True)
    email = Varchar(length=320, null=True, default=None, index=True)
    email_verified = Boolean(default=False)
    phone_number = Varchar(length=50, default="")
    phone_number_verified = Boolean(default=False)
    profile = Text(default="{}")
    custom_data = Text(default="{}")
    password_hash = Varchar(length=255, null=True, default=None)
    password_changed_at = BigInt(null=True, default=None)
    administrator = Varchar(length=50, default="")
    suspended = Boolean(default=False)
    password_change_required = Boolean(default=False)
    created_at = BigInt(default=0)
    updated_at = BigInt(default=0)
    last_sign_in_at = BigInt(null=True, default=None)
    words = Varchar(length=500, default="")
    email_since = BigInt(null=True, default=None)


class InvitationRow(Table, tablename="credenza_invitation"):
    """A link that may be used once: `purpose` is "administrator" (the first one) or "password"."""

    digest = Varchar(length=64, primary_key=True)
    purpose = Varchar(length=30)
    user = ForeignKey(references=UserRow, on_delete=OnDelete.cascade, null=True)
    created_at = BigInt(default=0)
    expires_at = BigInt(default=0)
    spent_at = BigInt(null=True, default=None)
