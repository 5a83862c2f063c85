{{
    config(
        materialized='incremental',
        incremental_strategy='replace_touched',
        unique_key='engagement_id',
        meta={'in_parts': true},
        pre_hook="{{ before_replace({
            'engagements': 'engagement_id',
            'note_history': 'engagement_id',
            'int_engagements__readdressed': 'engagement_id'
        }) }}",
        post_hook="{{ after_replace() }}"
    )
}}

-- depends_on: {{ ref('int_engagements__readdressed') }}

with engagements as (
    select * from {{ touched_only(ref('engagements'), 'engagement_id') }}
    where started_at is not null
),

-- their texts and files stay here
blocked as (
    select engagement_id from engagements
    where card_data_status = 'blocked'
),

agents as (
    select * from {{ ref('int_agents__addressed') }}
),

current_notes as (
    select
        note_id,
        engagement_id,
        {{ plain_text('note') }} as note,
        last_modified_at
    from {{ touched_only(ref('engagement_notes'), 'engagement_id') }}
    where engagement_id not in (select engagement_id from blocked)
),

notes as (
    select
        engagement_id,
        list(note order by last_modified_at, note_id) as texts
    from current_notes
    where trim(note) <> ''
    group by engagement_id
),

-- a deletion says nothing of its own: the text stays what the note said last
history as (
    select
        engagement_id,
        note_id,
        version,
        is_deletion,
        is_current,
        coalesce({{ plain_text('last_value(note ignore nulls) over so_far') }}, '') as said,
        coalesce(zoom_user_id, last_value(zoom_user_id ignore nulls) over so_far) as zoom_user_id,
        case when is_deletion then valid_from else coalesce(last_modified_at, valid_from) end as written_at
    from {{ touched_only(ref('note_history'), 'engagement_id') }}
    where engagement_id not in (select engagement_id from blocked)
    window so_far as (partition by note_id order by version rows between unbounded preceding and current row)
),

note_versions as (
    select
        history.engagement_id,
        list(
            struct_pack(
                note_id := history.note_id,
                version := history.version,
                text := history.said,
                author_name := agents.agent_name,
                author_email := agents.agent_email,
                written_at := history.written_at,
                is_current := history.is_current and not history.is_deletion and current_notes.note_id is not null,
                is_deletion := history.is_deletion
            ) order by history.written_at, history.note_id, history.version
        ) as versions
    from history
    left join agents on history.zoom_user_id = agents.zoom_user_id
    left join current_notes
        on history.note_id = current_notes.note_id and history.engagement_id = current_notes.engagement_id
    group by history.engagement_id
),

files as (
    select * from {{ touched_records('files', 'file_key') }}
),

{%- for family, mart, key, started_at, seconds in [
    ('recording', 'engagement_recordings', 'recording_id', 'started_at', 'recording_seconds'),
    ('voicemail', 'engagement_voicemails', 'message_id', 'created_at', 'message_seconds')
] %}
{{ family }}s as (
    select * from {{ touched_only(ref(mart), 'engagement_id') }}
    where engagement_id not in (select engagement_id from blocked)
),

-- what the source has deleted leaves only where a copy was stored in time
{{ family }}_media as (
    select
        engagement_id,
        struct_pack(
            kind := '{{ family }}',
            source_id := {{ key }},
            started_at := {{ started_at }},
            seconds := {{ seconds }},
            path := file_path,
            media_type := file_media_type,
            size_bytes := file_size_bytes,
            sha256 := file_sha256
        ) as media
    from {{ family }}s
    where file_path is not null or not is_deleted
    union all
    select
        held.engagement_id,
        struct_pack(
            kind := '{{ family }}_transcript',
            source_id := held.{{ key }},
            started_at := held.{{ started_at }},
            seconds := held.{{ seconds }},
            path := held.transcript_path,
            media_type := files.media_type,
            size_bytes := files.size_bytes,
            sha256 := held.transcript_sha256
        ) as media
    from {{ family }}s as held
    left join files on held.{{ key }} = files.source_id and files.kind = '{{ family }}_transcript'
    where held.transcript_path is not null or (held.has_transcript_url and not held.is_deleted)
),

{{ family }}_lists as (
    select
        engagement_id,
        list(media order by media.started_at nulls last, media.source_id, media.kind) as media
    from {{ family }}_media
    group by engagement_id
),
{%- endfor %}

transcripts as (
    select
        engagement_id,
        string_agg(spoken, chr(10) || chr(10) order by occurred_at nulls last, source_id) as transcript_text
    from (
        {%- for kind in ['recording', 'messaging', 'voicemail'] %}
        select
            engagement_id,
            source_id,
            occurred_at,
            {{ plain_text("array_to_string(
                list_transform(turns, lambda one: concat(nullif(one.speaker, '') || ': ', one.text)), chr(10)
            )") }} as spoken
        from {{ touched_records(kind ~ '_transcripts', 'source_id') }}
        where not is_deleted_at_source and engagement_id not in (select engagement_id from blocked)
        union all
        {%- endfor %}
        select
            engagement_id,
            email_message_id as source_id,
            sent_at as occurred_at,
            {{ plain_text("concat(nullif(coalesce(nullif(from_name, ''), user_name), '') || ': ', text)") }} as spoken
        from {{ touched_records('email_messages', 'email_message_id') }}
        where
            not is_deleted_at_source
            and engagement_id not in (select engagement_id from blocked)
            and message_type is distinct from 'system'
            and trim(text) <> ''
    )
    where trim(spoken) <> ''
    group by engagement_id
),

voice_calls as (
    select
        engagement_id,
        arg_max(nullif(caller_number, ''), as_of) as caller_number,
        arg_max(nullif(callee_number, ''), as_of) as callee_number
    from {{ touched_records('voice_calls', 'record_id') }}
    group by engagement_id
),

gathered as (
    select
        engagements.engagement_id,
        engagements.started_date,
        engagements.started_at,
        engagements.ended_at,
        coalesce(nullif(engagements.channel, ''), 'unknown') as channel,
        engagements.channel_source,
        nullif(engagements.direction, '') as direction,
        nullif(engagements.last_queue_id, '') as queue_id,
        {{ one_line('engagements.last_queue_name') }} as queue_name,
        {{ one_line('engagements.flow_name') }} as flow_name,
        coalesce({{ one_line('engagements.last_agent_name') }}, agents.agent_name) as agent_name,
        agents.agent_email,
        {{ one_line('engagements.consumer_name') }} as customer_name,
        engagements.consumer_phone as customer_phone,
        engagements.consumer_email as customer_email,
        case when engagements.direction = 'outbound' then voice_calls.caller_number else voice_calls.callee_number end as account_number,
        engagements.duration_seconds,
        engagements.waiting_seconds,
        engagements.talk_seconds,
        engagements.handle_seconds,
        engagements.is_answered,
        engagements.is_abandoned,
        engagements.transfer_count,
        engagements.queue_wait_type,
        coalesce(notes.texts, []) as note_texts,
        coalesce(note_versions.versions, []) as note_versions,
        coalesce(list_transform(engagements.disposition_names, lambda one: {{ one_line('one') }}), []) as dispositions,
        transcripts.transcript_text,
        coalesce(recording_lists.media, []) as recordings,
        coalesce(voicemail_lists.media, []) as voicemails,
        engagements.survey_score,
        engagements.completeness_status,
        engagements.is_deleted_at_source,
        {{ local_time_text('engagements.started_at') }} as started_text
    from engagements
    left join agents on engagements.last_agent_id = agents.zoom_user_id
    left join voice_calls on engagements.engagement_id = voice_calls.engagement_id
    left join notes on engagements.engagement_id = notes.engagement_id
    left join note_versions on engagements.engagement_id = note_versions.engagement_id
    left join transcripts on engagements.engagement_id = transcripts.engagement_id
    left join recording_lists on engagements.engagement_id = recording_lists.engagement_id
    left join voicemail_lists on engagements.engagement_id = voicemail_lists.engagement_id
),

worded as (
    select
        *,
        concat_ws(
            ' ', direction, case channel when 'email' then 'e-mail' when 'unknown' then null else channel end, 'engagement'
        ) as called,
        upper(called[1]) || called[2:] as naming,
        case
            when is_answered and direction = 'inbound' and waiting_seconds is not null
                then 'Answered after ' || {{ spoken_seconds('waiting_seconds') }} || '.'
            when is_answered then 'Answered.'
            when is_abandoned then 'The customer left the queue before anybody answered.'
            when len(voicemails) > 0 then 'Not answered; a voicemail was left.'
            when queue_wait_type = 'callback' then 'Not answered; a callback was asked for.'
            else 'Not answered.'
        end as outcome,
        case
            when transfer_count = 1 then 'Transferred once.'
            when transfer_count > 1 then 'Transferred ' || transfer_count || ' times.'
        end as transfers,
        case len(dispositions)
            when 0 then null
            when 1 then 'Disposition: ' || dispositions[1] || '.'
            else 'Dispositions: ' || array_to_string(dispositions, ', ') || '.'
        end as disposed,
        case when is_deleted_at_source then 'It has been deleted in Zoom.' end as deleted,
        coalesce(customer_name, customer_phone, customer_email) as customer,
        nullif(array_to_string(note_texts, chr(10) || chr(10)), '') as notes_text
    from gathered
),

summed_up as (
    select
        *,
        concat(naming, ' with ' || customer, ' in ' || queue_name) as subject,
        concat_ws(
            ' ',
            concat(
                naming, ' on ' || started_text, ' in queue ' || queue_name, ', agent ' || agent_name,
                ', ' || {{ spoken_seconds('duration_seconds') }}, '.'
            ),
            outcome, transfers, disposed, deleted
        ) as summary,
        list_filter([
            row('Customer', nullif(concat_ws(', ', customer_name, customer_phone, customer_email), '')),
            row('Contact centre', account_number),
            row('Flow', flow_name),
            row('Recordings', cast(nullif(len(list_filter(recordings, lambda one: one.kind = 'recording')), 0) as varchar)),
            row('Voicemails', cast(nullif(len(list_filter(voicemails, lambda one: one.kind = 'voicemail')), 0) as varchar)),
            row('Survey score', cast(round(survey_score, 2) as varchar))
        ], lambda one: one[2] is not null) as facts
    from worded
),

activities as (
    select
        engagement_id,
        started_date,
        started_at,
        ended_at,
        channel,
        channel_source,
        direction,
        queue_id,
        queue_name,
        flow_name,
        agent_name,
        agent_email,
        customer_name,
        customer_phone,
        customer_email,
        account_number,
        duration_seconds,
        waiting_seconds,
        talk_seconds,
        handle_seconds,
        is_answered,
        is_abandoned,
        subject,
        summary,
        concat_ws(
            chr(10) || chr(10), summary,
            nullif(array_to_string(list_transform(facts, lambda one: one[1] || ': ' || one[2]), chr(10)), ''),
            'Notes:' || chr(10) || notes_text
        ) as body_text,
        concat(
            '<p>' || {{ as_html('summary') }} || '</p>',
            '<ul>' || nullif(array_to_string(
                list_transform(facts, lambda one: '<li><b>' || one[1] || ':</b> ' || {{ as_html('one[2]') }} || '</li>'), ''
            ), '') || '</ul>',
            '<p><b>Notes:</b></p><ul>' || nullif(array_to_string(
                list_transform(note_texts, lambda one: '<li>' || {{ as_html('one') }} || '</li>'), ''
            ), '') || '</ul>'
        ) as body_html,
        notes_text,
        note_versions,
        dispositions,
        transcript_text,
        recordings,
        voicemails,
        survey_score,
        completeness_status,
        is_deleted_at_source
    from summed_up
)

select
    activities.*,
    md5(cast(to_json(activities) as varchar)) as activity_hash,
    engagements.changed_at,
    {{ load_seq() }} as _load_seq
from activities
inner join engagements on activities.engagement_id = engagements.engagement_id
