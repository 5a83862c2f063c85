{{ config(materialized='view') }}

select
    'recording' as source_kind,
    *
from {{ ref('stg_zoom__recording_transcripts') }}
union all by name
select
    'messaging' as source_kind,
    *
from {{ ref('stg_zoom__messaging_transcripts') }}
union all by name
select
    'voicemail' as source_kind,
    *
from {{ ref('stg_zoom__voicemail_transcripts') }}
