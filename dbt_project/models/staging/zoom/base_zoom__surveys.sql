{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/surveys', survey_fields()) }}",
        post_hook="{{ after_lake_load('zoom/surveys') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/surveys', survey_fields()) }}
)

select
    {{ version_columns() }},
    data.survey_id,
    data.survey_name,
    data.survey_results
from latest
