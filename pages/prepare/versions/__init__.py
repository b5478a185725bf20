"""Making a version: its cut-offs, its sections, and how it comes into use."""
