"""What all pages share: navigation, the shared choice, jobs, and how things are shown."""
