"""What scenarios claim of their evidence; each function makes a claim."""
