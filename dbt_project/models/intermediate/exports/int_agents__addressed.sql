{{
    config(
        materialized='incremental',
        incremental_strategy='delete+insert',
        unique_key='zoom_user_id'
    )
}}

-- a row is written again only where the name or the address is another: the list of users changes for many other reasons
with users as (
    select
        zoom_user_id,
        nullif(display_name, '') as agent_name,
        lower(nullif(user_email, '')) as agent_email
    from {{ ref('stg_zoom__users') }}
)

select
    users.zoom_user_id,
    users.agent_name,
    users.agent_email,
    {{ load_seq() }} as _load_seq
from
    users
{%- if is_incremental() %}
left join {{ this }} as held on users.zoom_user_id = held.zoom_user_id
where held.zoom_user_id is null or row(users.agent_name, users.agent_email) is distinct from row(held.agent_name, held.agent_email)
{%- endif %}
