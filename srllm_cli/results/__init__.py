"""Results that are kept on disk, so that unchanged text costs no model. It knows no model and no terminal."""
