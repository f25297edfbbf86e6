"""Where tokens come from. Engines know tokens and sequences; they know no document and no guard."""
