"""Evaluation: metrics, the systems compared, benchmark files, runs that resume, reports and comparisons."""
