"""The loss landscape: surfaces, curvature, sharpness, one measure or noun per file."""
