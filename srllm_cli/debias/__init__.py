"""The core: verdicts, edits, guards and the loop that ties them. No I/O."""
