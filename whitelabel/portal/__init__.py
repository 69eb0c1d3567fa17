"""The portal: one folder for each page."""
