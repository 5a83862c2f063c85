{{ config(materialized='view') }}

select * from {{ ref('stg_zoom__files') }} where kind in ('recording', 'recording_transcript')
