{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='engagement_id',
        pre_hook=[
            "{{ before_replace({
                'stg_zoom__engagements': 'engagement_id',
                'base_zoom__surveys': 'engagement_id',
                'base_zoom__email_messages': 'engagement_id',
                'base_zoom__voice_calls': 'engagement_id',
                'base_zoom__completeness': 'engagement_id',
                'base_zoom__card_data': 'engagement_id',
                'base_zoom__recording_transcripts': 'engagement_id',
                'base_zoom__messaging_transcripts': 'engagement_id',
                'base_zoom__voicemail_transcripts': 'engagement_id',
                'int_consumers__resolved': 'engagement_id',
                'engagement_notes': 'engagement_id',
                'engagement_dispositions': 'engagement_id',
                'engagement_recordings': 'engagement_id',
                'engagement_voicemails': 'engagement_id'
            }) }}",
            "{{ log_days_left() }}"
        ],
        post_hook=["{{ log_days_reached() }}", "{{ after_replace() }}"]
    )
}}

with measured as (
    select
        *,
        {{ engagement_number('engagement_id') }} as engagement_number
    from {{ touched_only(ref('int_engagements__measured'), 'engagement_id', base=ref('stg_zoom__engagements')) }}
),

consumers as (
    select * from {{ touched_only(ref('int_consumers__resolved'), 'engagement_id') }}
    where position = 1
),

notes as (
    select
        engagement_id,
        count(*) as note_count,
        string_agg(note, chr(10) || chr(10) order by last_modified_at, note_id) as notes_text,
        max(known_as_of) as known_as_of
    from {{ touched_only(ref('engagement_notes'), 'engagement_id') }}
    group by engagement_id
),

dispositions as (
    select
        engagement_id,
        list(disposition_name order by position nulls last, disposition_id) as disposition_names,
        max(known_as_of) as known_as_of
    from {{ touched_only(ref('engagement_dispositions'), 'engagement_id') }}
    group by engagement_id
),

recordings as (
    select
        engagement_id,
        count(*) as recording_count,
        sum(recording_seconds) as recording_seconds,
        max(known_as_of) as known_as_of
    from {{ touched_only(ref('engagement_recordings'), 'engagement_id') }}
    group by engagement_id
),

voicemails as (
    select
        engagement_id,
        count(*) as voicemail_count,
        max(known_as_of) as known_as_of
    from {{ touched_only(ref('engagement_voicemails'), 'engagement_id') }}
    group by engagement_id
),

transcripts as (
    select
        engagement_id,
        count(*) as transcript_count,
        {%- for kind in ['recording', 'messaging', 'voicemail'] %}
        bool_or(kind = '{{ kind }}') as has_{{ kind }},
        {%- endfor %}
        max(as_of) as known_as_of
    from (
        {%- for kind in ['recording', 'messaging', 'voicemail'] %}
        select
            engagement_id,
            '{{ kind }}' as kind,
            as_of
        from {{ touched_records(kind ~ '_transcripts', 'source_id') }}
        where not is_deleted_at_source
        {%- if not loop.last %}
        union all
        {%- endif %}
        {%- endfor %}
    )
    group by engagement_id
),

surveys as (
    select
        engagement_id,
        len(survey_results) > 0 as is_survey_answered,
        list_avg(
            list_filter(list_transform(survey_results, lambda one: one.numeric_answer), lambda answer: answer is not null)
        ) as survey_score,
        as_of as known_as_of
    from {{ touched_records('surveys', 'record_id') }}
),

email_messages as (
    select
        engagement_id,
        count(*) as email_message_count,
        max(as_of) as known_as_of
    from {{ touched_records('email_messages', 'email_message_id') }}
    group by engagement_id
),

voice_calls as (
    select
        engagement_id,
        bool_or(is_recorded) as is_recorded_at_source
    from {{ touched_records('voice_calls', 'record_id') }}
    group by engagement_id
),

completeness as (
    select
        engagement_id,
        arg_min(status, {{ status_rank('status') }}) as completeness_status,
        list(kind order by kind) filter (where status in ('unexplained', 'failed', 'missing', 'waiting')) as incomplete_kinds
    from {{ touched_records('completeness', 'completeness_key') }}
    where not is_deleted_at_source
    group by engagement_id
),

card_data as (
    select
        engagement_id,
        arg_min(status, {{ card_data_rank('status') }}) as card_data_status
    from {{ touched_records('card_data', 'card_data_key') }}
    where engagement_id is not null
    group by engagement_id
)

select
    measured.engagement_id,
    measured.started_at,
    measured.ended_at,
    {{ local_day('measured.started_at') }} as started_date,
    measured.channels[1].channel as channel,
    nullif(measured.channels[1].channel_source, '') as channel_source,
    list_distinct(list_transform(measured.channels, lambda one: one.channel)) as channels,
    measured.direction,
    measured.duration_seconds,
    measured.flow_seconds,
    measured.waiting_seconds,
    measured.talk_seconds,
    measured.wrap_up_seconds,
    measured.handle_seconds,
    measured.speed_of_answer_seconds,
    measured.is_answered,
    measured.is_abandoned,
    measured.was_transferred,
    measured.transfer_count,
    measured.queue_wait_type,
    consumers.customer_id,
    consumers.consumer_id,
    consumers.display_name as consumer_name,
    consumers.consumer_number,
    consumers.phone as consumer_phone,
    consumers.email as consumer_email,
    measured.flows[1].flow_name as flow_name,
    measured.queues[1].cc_queue_id as first_queue_id,
    measured.queues[1].queue_name as first_queue_name,
    measured.queues[-1].cc_queue_id as last_queue_id,
    measured.queues[-1].queue_name as last_queue_name,
    list_transform(measured.queues, lambda one: one.cc_queue_id) as queue_ids,
    list_transform(measured.queues, lambda one: one.queue_name) as queue_names,
    measured.agents[1].user_id as first_agent_id,
    measured.agents[1].display_name as first_agent_name,
    measured.agents[-1].user_id as last_agent_id,
    measured.agents[-1].display_name as last_agent_name,
    list_transform(measured.agents, lambda one: one.user_id) as agent_ids,
    list_transform(measured.agents, lambda one: one.display_name) as agent_names,
    coalesce(notes.note_count, 0) as note_count,
    notes.notes_text,
    coalesce(len(dispositions.disposition_names), 0) as disposition_count,
    dispositions.disposition_names,
    coalesce(recordings.recording_count, 0) as recording_count,
    cast(coalesce(recordings.recording_seconds, 0) as bigint) as recording_seconds,
    voice_calls.is_recorded_at_source,
    coalesce(voicemails.voicemail_count, 0) as voicemail_count,
    coalesce(transcripts.transcript_count, 0) > 0 as has_transcript,
    coalesce(surveys.is_survey_answered, false) as is_survey_answered,
    surveys.survey_score,
    coalesce(email_messages.email_message_count, 0) as email_message_count,
    completeness.completeness_status,
    completeness.incomplete_kinds,
    coalesce(
        card_data.card_data_status,
        case
            when notes.note_count > 0 and measured.engagement_number not in ({{ looked_at('zoom/notes') }}) then 'not_scanned'
            {%- for kind in ['recording', 'messaging', 'voicemail'] %}
            when
                transcripts.has_{{ kind }}
                and measured.engagement_number not in ({{ looked_at('zoom/' ~ kind ~ '_transcripts') }})
                then 'not_scanned'
            {%- endfor %}
            else 'clean'
        end
    ) as card_data_status,
    measured.is_deleted_at_source,
    greatest(
        measured.as_of, notes.known_as_of, dispositions.known_as_of, recordings.known_as_of, voicemails.known_as_of,
        transcripts.known_as_of, surveys.known_as_of, email_messages.known_as_of
    ) as changed_at,
    {{ load_seq() }} as _load_seq
from measured
left join consumers on measured.engagement_id = consumers.engagement_id
left join notes on measured.engagement_id = notes.engagement_id
left join dispositions on measured.engagement_id = dispositions.engagement_id
left join recordings on measured.engagement_id = recordings.engagement_id
left join voicemails on measured.engagement_id = voicemails.engagement_id
left join transcripts on measured.engagement_id = transcripts.engagement_id
left join surveys on measured.engagement_id = surveys.engagement_id
left join email_messages on measured.engagement_id = email_messages.engagement_id
left join voice_calls on measured.engagement_id = voice_calls.engagement_id
left join completeness on measured.engagement_id = completeness.engagement_id
left join card_data on measured.engagement_id = card_data.engagement_id
