"""Why a message failed, beside how far it got."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    for table in ("message", "early_receipt"):
        op.add_column(table, sa.Column("failure", sa.String))
