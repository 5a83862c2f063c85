{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/card_data', card_data_fields()) }}",
        post_hook="{{ after_lake_load('zoom/card_data') }}"
    )
}}

-- what was found in a text is in the lake before the text: loaded after the texts, it is known of each of them
-- depends_on: {{ ref('base_zoom__note_versions') }}
-- depends_on: {{ ref('base_zoom__recording_transcripts') }}
-- depends_on: {{ ref('base_zoom__messaging_transcripts') }}
-- depends_on: {{ ref('base_zoom__voicemail_transcripts') }}

with latest as (
    {{ lake_latest('zoom/card_data', card_data_fields()) }}
)

select
    {{ version_columns() }},
    data.dataset,
    data.record_id as text_id,
    data.version as text_version,
    data.status,
    data.engagement_numbers
from latest
