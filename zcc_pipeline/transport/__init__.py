"""HTTP set-up shared by Zoom and the CRMs: client, retry, back-off, redaction."""
