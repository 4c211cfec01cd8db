"""Everything durable of the embedded platform, in SQLite."""
