"""The commands, one module each, imported when the command runs. They read options, call the rooms, and print."""
