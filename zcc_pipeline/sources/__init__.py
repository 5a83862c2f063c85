"""The ways in: each sub-package is one route out of Zoom Contact Center. They do not know each other."""
