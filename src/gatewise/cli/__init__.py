"""The ``gatewise`` command: one small file a command, each imported when it is called."""
