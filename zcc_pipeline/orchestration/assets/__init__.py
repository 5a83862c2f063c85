"""The flow in four files: raw datasets, what re-reads them, dbt's models, the published copy."""
