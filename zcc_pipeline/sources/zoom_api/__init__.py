"""The REST API of Zoom Contact Center: tokens, limits, endpoints, paging, planning, downloads."""
