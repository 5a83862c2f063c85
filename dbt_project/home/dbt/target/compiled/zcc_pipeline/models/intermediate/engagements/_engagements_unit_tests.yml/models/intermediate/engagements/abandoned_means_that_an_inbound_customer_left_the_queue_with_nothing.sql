

-- what the metrics count from is explained in DECISIONLOG.md
with  __dbt__cte__stg_zoom__engagements as (

-- Fixture for stg_zoom__engagements
select 
    
    cast('left' as character varying)
 as "engagement_id", cast(null as TIMESTAMP) as "started_at", cast(null as TIMESTAMP) as "ended_at", 
    
    cast('inbound' as character varying)
 as "direction", cast(null as STRUCT(channel VARCHAR, channel_source VARCHAR)[]) as "channels", cast(null as STRUCT(consumer_id VARCHAR, consumer_display_name VARCHAR, consumer_number VARCHAR)[]) as "consumers", cast(null as STRUCT(flow_id VARCHAR, flow_name VARCHAR, flow_version INTEGER)[]) as "flows", 
    
    cast('[{''cc_queue_id'': q1, ''queue_name'': Q}]' as STRUCT(cc_queue_id VARCHAR, queue_name VARCHAR, queue_id INTEGER)[])
 as "queues", cast(null as STRUCT(user_id VARCHAR, display_name VARCHAR)[]) as "agents", cast(null as STRUCT(start_time VARCHAR, duration BIGINT, event_type VARCHAR, channel VARCHAR, direction VARCHAR, cc_queue_id VARCHAR, queue_name VARCHAR, user_id VARCHAR, user_display_name VARCHAR, flow_name VARCHAR, transfer_type VARCHAR, transfer_to_queue_name VARCHAR, transfer_to_user_display_name VARCHAR, transfer_to_flow_name VARCHAR, channel_type INTEGER, channel_source INTEGER, flow_id INTEGER, queue_id INTEGER, accept_type INTEGER, transfer_to_flow_id INTEGER, transfer_to_queue_id INTEGER, transfer_to_cc_queue_id INTEGER, transfer_to_user_id INTEGER, transfer_to_number INTEGER, transfer_count INTEGER, upgraded_to_channel_type INTEGER, crm_type INTEGER, crm_call_status INTEGER, supervisor_id INTEGER, supervisor_display_name INTEGER, consumer_id INTEGER, consumer_display_name INTEGER, inbox_id INTEGER, inbox_name INTEGER, conference_type INTEGER, invitee_type INTEGER, invitee INTEGER, skills INTEGER, email_reply_to INTEGER, email_reply_cc INTEGER, email_reply_bcc INTEGER)[]) as "events", cast(null as BIGINT) as "duration_seconds", 
    
    cast(0 as BIGINT)
 as "talk_seconds", cast(null as BIGINT) as "flow_seconds", cast(null as BIGINT) as "waiting_seconds", cast(null as BIGINT) as "handling_seconds", cast(null as BIGINT) as "wrap_up_seconds", cast(null as BIGINT) as "transfer_count", 
    
    cast(0 as BIGINT)
 as "voicemails_left", 
    
    cast('live_waiting' as character varying)
 as "queue_wait_type", cast(null as BOOLEAN) as "has_transcript_url", cast(null as character varying(256)) as "survey_id", cast(null as VARCHAR[]) as "note_ids", cast(null as VARCHAR[]) as "disposition_ids", cast(null as BOOLEAN) as "is_deleted_at_source", cast(null as TIMESTAMP) as "as_of", cast(null as TIMESTAMP) as "observed_at", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('answered' as character varying)
 as "engagement_id", cast(null as TIMESTAMP) as "started_at", cast(null as TIMESTAMP) as "ended_at", 
    
    cast('inbound' as character varying)
 as "direction", cast(null as STRUCT(channel VARCHAR, channel_source VARCHAR)[]) as "channels", cast(null as STRUCT(consumer_id VARCHAR, consumer_display_name VARCHAR, consumer_number VARCHAR)[]) as "consumers", cast(null as STRUCT(flow_id VARCHAR, flow_name VARCHAR, flow_version INTEGER)[]) as "flows", 
    
    cast('[{''cc_queue_id'': q1, ''queue_name'': Q}]' as STRUCT(cc_queue_id VARCHAR, queue_name VARCHAR, queue_id INTEGER)[])
 as "queues", cast(null as STRUCT(user_id VARCHAR, display_name VARCHAR)[]) as "agents", cast(null as STRUCT(start_time VARCHAR, duration BIGINT, event_type VARCHAR, channel VARCHAR, direction VARCHAR, cc_queue_id VARCHAR, queue_name VARCHAR, user_id VARCHAR, user_display_name VARCHAR, flow_name VARCHAR, transfer_type VARCHAR, transfer_to_queue_name VARCHAR, transfer_to_user_display_name VARCHAR, transfer_to_flow_name VARCHAR, channel_type INTEGER, channel_source INTEGER, flow_id INTEGER, queue_id INTEGER, accept_type INTEGER, transfer_to_flow_id INTEGER, transfer_to_queue_id INTEGER, transfer_to_cc_queue_id INTEGER, transfer_to_user_id INTEGER, transfer_to_number INTEGER, transfer_count INTEGER, upgraded_to_channel_type INTEGER, crm_type INTEGER, crm_call_status INTEGER, supervisor_id INTEGER, supervisor_display_name INTEGER, consumer_id INTEGER, consumer_display_name INTEGER, inbox_id INTEGER, inbox_name INTEGER, conference_type INTEGER, invitee_type INTEGER, invitee INTEGER, skills INTEGER, email_reply_to INTEGER, email_reply_cc INTEGER, email_reply_bcc INTEGER)[]) as "events", cast(null as BIGINT) as "duration_seconds", 
    
    cast(5 as BIGINT)
 as "talk_seconds", cast(null as BIGINT) as "flow_seconds", cast(null as BIGINT) as "waiting_seconds", cast(null as BIGINT) as "handling_seconds", cast(null as BIGINT) as "wrap_up_seconds", cast(null as BIGINT) as "transfer_count", cast(null as BIGINT) as "voicemails_left", cast(null as character varying(256)) as "queue_wait_type", cast(null as BOOLEAN) as "has_transcript_url", cast(null as character varying(256)) as "survey_id", cast(null as VARCHAR[]) as "note_ids", cast(null as VARCHAR[]) as "disposition_ids", cast(null as BOOLEAN) as "is_deleted_at_source", cast(null as TIMESTAMP) as "as_of", cast(null as TIMESTAMP) as "observed_at", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('voicemail' as character varying)
 as "engagement_id", cast(null as TIMESTAMP) as "started_at", cast(null as TIMESTAMP) as "ended_at", 
    
    cast('inbound' as character varying)
 as "direction", cast(null as STRUCT(channel VARCHAR, channel_source VARCHAR)[]) as "channels", cast(null as STRUCT(consumer_id VARCHAR, consumer_display_name VARCHAR, consumer_number VARCHAR)[]) as "consumers", cast(null as STRUCT(flow_id VARCHAR, flow_name VARCHAR, flow_version INTEGER)[]) as "flows", 
    
    cast('[{''cc_queue_id'': q1, ''queue_name'': Q}]' as STRUCT(cc_queue_id VARCHAR, queue_name VARCHAR, queue_id INTEGER)[])
 as "queues", cast(null as STRUCT(user_id VARCHAR, display_name VARCHAR)[]) as "agents", cast(null as STRUCT(start_time VARCHAR, duration BIGINT, event_type VARCHAR, channel VARCHAR, direction VARCHAR, cc_queue_id VARCHAR, queue_name VARCHAR, user_id VARCHAR, user_display_name VARCHAR, flow_name VARCHAR, transfer_type VARCHAR, transfer_to_queue_name VARCHAR, transfer_to_user_display_name VARCHAR, transfer_to_flow_name VARCHAR, channel_type INTEGER, channel_source INTEGER, flow_id INTEGER, queue_id INTEGER, accept_type INTEGER, transfer_to_flow_id INTEGER, transfer_to_queue_id INTEGER, transfer_to_cc_queue_id INTEGER, transfer_to_user_id INTEGER, transfer_to_number INTEGER, transfer_count INTEGER, upgraded_to_channel_type INTEGER, crm_type INTEGER, crm_call_status INTEGER, supervisor_id INTEGER, supervisor_display_name INTEGER, consumer_id INTEGER, consumer_display_name INTEGER, inbox_id INTEGER, inbox_name INTEGER, conference_type INTEGER, invitee_type INTEGER, invitee INTEGER, skills INTEGER, email_reply_to INTEGER, email_reply_cc INTEGER, email_reply_bcc INTEGER)[]) as "events", cast(null as BIGINT) as "duration_seconds", cast(null as BIGINT) as "talk_seconds", cast(null as BIGINT) as "flow_seconds", cast(null as BIGINT) as "waiting_seconds", cast(null as BIGINT) as "handling_seconds", cast(null as BIGINT) as "wrap_up_seconds", cast(null as BIGINT) as "transfer_count", 
    
    cast(1 as BIGINT)
 as "voicemails_left", cast(null as character varying(256)) as "queue_wait_type", cast(null as BOOLEAN) as "has_transcript_url", cast(null as character varying(256)) as "survey_id", cast(null as VARCHAR[]) as "note_ids", cast(null as VARCHAR[]) as "disposition_ids", cast(null as BOOLEAN) as "is_deleted_at_source", cast(null as TIMESTAMP) as "as_of", cast(null as TIMESTAMP) as "observed_at", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('callback' as character varying)
 as "engagement_id", cast(null as TIMESTAMP) as "started_at", cast(null as TIMESTAMP) as "ended_at", 
    
    cast('inbound' as character varying)
 as "direction", cast(null as STRUCT(channel VARCHAR, channel_source VARCHAR)[]) as "channels", cast(null as STRUCT(consumer_id VARCHAR, consumer_display_name VARCHAR, consumer_number VARCHAR)[]) as "consumers", cast(null as STRUCT(flow_id VARCHAR, flow_name VARCHAR, flow_version INTEGER)[]) as "flows", 
    
    cast('[{''cc_queue_id'': q1, ''queue_name'': Q}]' as STRUCT(cc_queue_id VARCHAR, queue_name VARCHAR, queue_id INTEGER)[])
 as "queues", cast(null as STRUCT(user_id VARCHAR, display_name VARCHAR)[]) as "agents", cast(null as STRUCT(start_time VARCHAR, duration BIGINT, event_type VARCHAR, channel VARCHAR, direction VARCHAR, cc_queue_id VARCHAR, queue_name VARCHAR, user_id VARCHAR, user_display_name VARCHAR, flow_name VARCHAR, transfer_type VARCHAR, transfer_to_queue_name VARCHAR, transfer_to_user_display_name VARCHAR, transfer_to_flow_name VARCHAR, channel_type INTEGER, channel_source INTEGER, flow_id INTEGER, queue_id INTEGER, accept_type INTEGER, transfer_to_flow_id INTEGER, transfer_to_queue_id INTEGER, transfer_to_cc_queue_id INTEGER, transfer_to_user_id INTEGER, transfer_to_number INTEGER, transfer_count INTEGER, upgraded_to_channel_type INTEGER, crm_type INTEGER, crm_call_status INTEGER, supervisor_id INTEGER, supervisor_display_name INTEGER, consumer_id INTEGER, consumer_display_name INTEGER, inbox_id INTEGER, inbox_name INTEGER, conference_type INTEGER, invitee_type INTEGER, invitee INTEGER, skills INTEGER, email_reply_to INTEGER, email_reply_cc INTEGER, email_reply_bcc INTEGER)[]) as "events", cast(null as BIGINT) as "duration_seconds", cast(null as BIGINT) as "talk_seconds", cast(null as BIGINT) as "flow_seconds", cast(null as BIGINT) as "waiting_seconds", cast(null as BIGINT) as "handling_seconds", cast(null as BIGINT) as "wrap_up_seconds", cast(null as BIGINT) as "transfer_count", cast(null as BIGINT) as "voicemails_left", 
    
    cast('callback' as character varying)
 as "queue_wait_type", cast(null as BOOLEAN) as "has_transcript_url", cast(null as character varying(256)) as "survey_id", cast(null as VARCHAR[]) as "note_ids", cast(null as VARCHAR[]) as "disposition_ids", cast(null as BOOLEAN) as "is_deleted_at_source", cast(null as TIMESTAMP) as "as_of", cast(null as TIMESTAMP) as "observed_at", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('in the flow only' as character varying)
 as "engagement_id", cast(null as TIMESTAMP) as "started_at", cast(null as TIMESTAMP) as "ended_at", 
    
    cast('inbound' as character varying)
 as "direction", cast(null as STRUCT(channel VARCHAR, channel_source VARCHAR)[]) as "channels", cast(null as STRUCT(consumer_id VARCHAR, consumer_display_name VARCHAR, consumer_number VARCHAR)[]) as "consumers", cast(null as STRUCT(flow_id VARCHAR, flow_name VARCHAR, flow_version INTEGER)[]) as "flows", 
    
    cast('[]' as STRUCT(cc_queue_id VARCHAR, queue_name VARCHAR, queue_id INTEGER)[])
 as "queues", cast(null as STRUCT(user_id VARCHAR, display_name VARCHAR)[]) as "agents", cast(null as STRUCT(start_time VARCHAR, duration BIGINT, event_type VARCHAR, channel VARCHAR, direction VARCHAR, cc_queue_id VARCHAR, queue_name VARCHAR, user_id VARCHAR, user_display_name VARCHAR, flow_name VARCHAR, transfer_type VARCHAR, transfer_to_queue_name VARCHAR, transfer_to_user_display_name VARCHAR, transfer_to_flow_name VARCHAR, channel_type INTEGER, channel_source INTEGER, flow_id INTEGER, queue_id INTEGER, accept_type INTEGER, transfer_to_flow_id INTEGER, transfer_to_queue_id INTEGER, transfer_to_cc_queue_id INTEGER, transfer_to_user_id INTEGER, transfer_to_number INTEGER, transfer_count INTEGER, upgraded_to_channel_type INTEGER, crm_type INTEGER, crm_call_status INTEGER, supervisor_id INTEGER, supervisor_display_name INTEGER, consumer_id INTEGER, consumer_display_name INTEGER, inbox_id INTEGER, inbox_name INTEGER, conference_type INTEGER, invitee_type INTEGER, invitee INTEGER, skills INTEGER, email_reply_to INTEGER, email_reply_cc INTEGER, email_reply_bcc INTEGER)[]) as "events", cast(null as BIGINT) as "duration_seconds", cast(null as BIGINT) as "talk_seconds", cast(null as BIGINT) as "flow_seconds", cast(null as BIGINT) as "waiting_seconds", cast(null as BIGINT) as "handling_seconds", cast(null as BIGINT) as "wrap_up_seconds", cast(null as BIGINT) as "transfer_count", cast(null as BIGINT) as "voicemails_left", cast(null as character varying(256)) as "queue_wait_type", cast(null as BOOLEAN) as "has_transcript_url", cast(null as character varying(256)) as "survey_id", cast(null as VARCHAR[]) as "note_ids", cast(null as VARCHAR[]) as "disposition_ids", cast(null as BOOLEAN) as "is_deleted_at_source", cast(null as TIMESTAMP) as "as_of", cast(null as TIMESTAMP) as "observed_at", cast(null as BIGINT) as "_load_seq"
union all
select 
    
    cast('outbound' as character varying)
 as "engagement_id", cast(null as TIMESTAMP) as "started_at", cast(null as TIMESTAMP) as "ended_at", 
    
    cast('outbound' as character varying)
 as "direction", cast(null as STRUCT(channel VARCHAR, channel_source VARCHAR)[]) as "channels", cast(null as STRUCT(consumer_id VARCHAR, consumer_display_name VARCHAR, consumer_number VARCHAR)[]) as "consumers", cast(null as STRUCT(flow_id VARCHAR, flow_name VARCHAR, flow_version INTEGER)[]) as "flows", 
    
    cast('[{''cc_queue_id'': q1, ''queue_name'': Q}]' as STRUCT(cc_queue_id VARCHAR, queue_name VARCHAR, queue_id INTEGER)[])
 as "queues", cast(null as STRUCT(user_id VARCHAR, display_name VARCHAR)[]) as "agents", cast(null as STRUCT(start_time VARCHAR, duration BIGINT, event_type VARCHAR, channel VARCHAR, direction VARCHAR, cc_queue_id VARCHAR, queue_name VARCHAR, user_id VARCHAR, user_display_name VARCHAR, flow_name VARCHAR, transfer_type VARCHAR, transfer_to_queue_name VARCHAR, transfer_to_user_display_name VARCHAR, transfer_to_flow_name VARCHAR, channel_type INTEGER, channel_source INTEGER, flow_id INTEGER, queue_id INTEGER, accept_type INTEGER, transfer_to_flow_id INTEGER, transfer_to_queue_id INTEGER, transfer_to_cc_queue_id INTEGER, transfer_to_user_id INTEGER, transfer_to_number INTEGER, transfer_count INTEGER, upgraded_to_channel_type INTEGER, crm_type INTEGER, crm_call_status INTEGER, supervisor_id INTEGER, supervisor_display_name INTEGER, consumer_id INTEGER, consumer_display_name INTEGER, inbox_id INTEGER, inbox_name INTEGER, conference_type INTEGER, invitee_type INTEGER, invitee INTEGER, skills INTEGER, email_reply_to INTEGER, email_reply_cc INTEGER, email_reply_bcc INTEGER)[]) as "events", cast(null as BIGINT) as "duration_seconds", cast(null as BIGINT) as "talk_seconds", cast(null as BIGINT) as "flow_seconds", cast(null as BIGINT) as "waiting_seconds", cast(null as BIGINT) as "handling_seconds", cast(null as BIGINT) as "wrap_up_seconds", cast(null as BIGINT) as "transfer_count", cast(null as BIGINT) as "voicemails_left", cast(null as character varying(256)) as "queue_wait_type", cast(null as BOOLEAN) as "has_transcript_url", cast(null as character varying(256)) as "survey_id", cast(null as VARCHAR[]) as "note_ids", cast(null as VARCHAR[]) as "disposition_ids", cast(null as BOOLEAN) as "is_deleted_at_source", cast(null as TIMESTAMP) as "as_of", cast(null as TIMESTAMP) as "observed_at", cast(null as BIGINT) as "_load_seq"
), counted as (
    select
        *,
        coalesce(transfer_count, len(list_filter(events, lambda one: nullif(one.transfer_type, '') is not null))) as transfers,
        coalesce(len(agents), 0) > 0 or coalesce(talk_seconds, 0) > 0 as was_answered
    from __dbt__cte__stg_zoom__engagements
)

select
    * exclude (transfer_count, transfers, was_answered),
    transfers as transfer_count,
    coalesce(transfers, 0) > 0 as was_transferred,
    was_answered as is_answered,
    coalesce(
        direction = 'inbound' and not was_answered and len(queues) > 0
        and coalesce(voicemails_left, 0) = 0 and coalesce(queue_wait_type, '') <> 'callback',
        false
    ) as is_abandoned,
    case when was_answered then coalesce(handling_seconds, talk_seconds + coalesce(wrap_up_seconds, 0)) end as handle_seconds,
    case when was_answered and direction = 'inbound' then waiting_seconds end as speed_of_answer_seconds
from counted