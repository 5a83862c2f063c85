{{ config(materialized='view') }}

-- engagements whose agent, or the author of one of whose notes, has another name or address since
select
    engagements.engagement_id,
    agents._load_seq
from {{ ref('int_agents__addressed') }} as agents
inner join {{ ref('engagements') }} as engagements on agents.zoom_user_id = engagements.last_agent_id
union all
select
    notes.engagement_id,
    agents._load_seq
from {{ ref('int_agents__addressed') }} as agents
inner join {{ ref('note_history') }} as notes on agents.zoom_user_id = notes.zoom_user_id
