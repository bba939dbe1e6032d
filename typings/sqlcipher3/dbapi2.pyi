# The module is a build of Python's own against SQLCipher.
from sqlite3.dbapi2 import *  # noqa: F403
