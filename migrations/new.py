"""Write the next migration from the difference between the tables and an empty upgraded database.

python migrations/new.py "what changes"
"""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from backend import db


async def write(message: str) -> None:
    last = [path.name[:4] for path in (db.migrations() / "versions").glob("*.py")]
    number = f"{int(max(last, default='0000')) + 1:04}"
    config = Config()
    config.set_main_option("script_location", str(db.migrations()))
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")

    def make(connection: Connection) -> None:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        command.revision(config, message, autogenerate=True, rev_id=number)

    with TemporaryDirectory() as folder:
        engine = db.connect(f"sqlite+aiosqlite:///{Path(folder)}/empty.db", foreign_keys=False)
        async with engine.begin() as connection:
            await connection.run_sync(make)
        await engine.dispose()


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1]))
