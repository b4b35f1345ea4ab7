"""Who accepted which version of the terms."""

from pathlib import Path

from piccolo.columns import ForeignKey, Integer, OnDelete, Varchar
from piccolo.conf.apps import AppConfig
from piccolo.table import Table

from credenza import UserRow


class Acceptance(Table, tablename="accept_terms_acceptance"):
    id = Varchar(length=40, primary_key=True)
    user = ForeignKey(references=UserRow, on_delete=OnDelete.cascade, index=True, null=False)
    version = Integer(default=0)


async def accepted_version(user_id):
    row = await Acceptance.select(Acceptance.version).where(Acceptance.user == user_id).first()
    return row["version"] if row else 0


async def accept(user_id, version):
    await Acceptance.insert(Acceptance(id=user_id, user=user_id, version=version)).on_conflict(
        target=Acceptance.id, action="DO UPDATE", values=[(Acceptance.version, version)]
    )


APP_CONFIG = AppConfig(
    app_name="accept_terms",
    migrations_folder_path=str(Path(__file__).parent / "migrations"),
    table_classes=[Acceptance],
    migration_dependencies=["credenza.store.piccolo_app"],
)
