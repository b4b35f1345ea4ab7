"""Migrations written by hand: a table with one line a column, frozen as it was on the day of the migration."""

from __future__ import annotations

from typing import Any

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.columns import Column, ForeignKey, OnDelete, Varchar
from piccolo.columns.base import OnUpdate
from piccolo.table import Table, create_table_class


class NewTable:
    """Adds a table to a migration; `column` adds to it."""

    def __init__(self, manager: MigrationManager, class_name: str, tablename: str) -> None:
        self._manager = manager
        self._names = (class_name, tablename)
        manager.add_table(class_name=class_name, tablename=tablename)

    def column(self, name: str, kind: type[Column], **parameters: Any) -> None:
        """`parameters` are the column's, as in its class; what is left out has Piccolo's default."""
        class_name, tablename = self._names
        self._manager.add_column(
            table_class_name=class_name,
            tablename=tablename,
            column_name=name,
            db_column_name=name,
            column_class_name=kind.__name__,
            column_class=kind,
            params={"null": False, **parameters},
        )

    def reference(
        self, name: str, tablename: str, key: str = "id", *, length: int, null: bool = False, index: bool = True
    ) -> None:
        """A column that points to the text key of another table; rows go with the row they point to."""
        self.column(
            name,
            ForeignKey,
            references=_named(tablename, key, length),
            on_delete=OnDelete.cascade,
            on_update=OnUpdate.cascade,
            target_column=None,
            default=None,
            null=null,
            index=index,
        )


def _named(tablename: str, key: str, length: int) -> type[Table]:
    """Just enough of another table to point to it."""
    return create_table_class(
        "Referenced",
        class_kwargs={"tablename": tablename},
        class_members={key: Varchar(length=length, primary_key=True)},
    )
