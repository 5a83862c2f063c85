{{
    config(
        materialized='incremental',
        incremental_strategy='replace_rows',
        pre_hook="{{ before_lake_load('zoom/email_messages', email_message_fields()) }}",
        post_hook="{{ after_lake_load('zoom/email_messages') }}"
    )
}}

with latest as (
    {{ lake_latest('zoom/email_messages', email_message_fields()) }}
)

select
    {{ version_columns() }},
    {{ utc_timestamp('data.sent_time') }} as sent_at,
    data.subject,
    data.text,
    data.from_type,
    data.user_name,
    data.message_type,
    data.from_address.name as from_name,
    data.from_address.address as from_email
from latest
