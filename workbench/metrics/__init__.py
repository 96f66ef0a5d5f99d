"""Quality metrics of attributions, one file each."""
