"""The command line: one file a command, nothing imported before it is needed so that ``zcc --help`` is instant."""
