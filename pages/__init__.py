"""The app: thin pages over the workbench. Each chooses, calls and shows; none computes or draws."""
