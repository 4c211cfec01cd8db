"""Plain files: content-addressed objects, lists, and the lock of a home folder."""
