"""The seal of an audit entry, made with a key outside the database; entries of before have none."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.add_column("audit", sa.Column("mac", sa.String))
