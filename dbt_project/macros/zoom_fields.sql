{#-
    The fields of Zoom's records as published in June 2026: type where a model reads the field, 'any' where it is known and not read.
    A field that is not here is reported as drift; a field of another type sends the record to quarantine.
-#}
{% macro engagement_fields() -%}
    {{ return({
        'engagement_id': 'text',
        'start_time': 'text',
        'end_time': 'text',
        'duration': 'integer',
        'direction': 'text',
        'channel_types': 'any',
        'channels': [{'channel': 'text', 'channel_source': 'text'}],
        'consumers': [{'consumer_id': 'text', 'consumer_display_name': 'text', 'consumer_number': 'text'}],
        'flows': [{'flow_id': 'text', 'flow_name': 'text', 'flow_version': 'any'}],
        'queues': [{'cc_queue_id': 'text', 'queue_name': 'text', 'queue_id': 'any'}],
        'agents': [{'user_id': 'text', 'display_name': 'text'}],
        'talk_duration': 'integer',
        'flow_duration': 'integer',
        'waiting_duration': 'integer',
        'handling_duration': 'integer',
        'wrap_up_duration': 'integer',
        'transfer_count': 'integer',
        'transferCount': 'any',
        'dispositions': [{'disposition_id': 'text', 'disposition_name': 'text'}],
        'notes': [{'note_id': 'text', 'note': 'text', 'user_id': 'text', 'last_modified_time': 'text'}],
        'transcript_url': 'text',
        'survey_id': 'text',
        'voice_mail': 'integer',
        'queue_wait_type': 'text',
        'callback_voice_messages': 'any',
        'events': [{
            'start_time': 'text', 'duration': 'integer', 'event_type': 'text', 'channel': 'text', 'direction': 'text',
            'cc_queue_id': 'text', 'queue_name': 'text', 'user_id': 'text', 'user_display_name': 'text',
            'flow_name': 'text', 'transfer_type': 'text', 'transfer_to_queue_name': 'text', 'transfer_to_user_display_name': 'text',
            'transfer_to_flow_name': 'text', 'channel_type': 'any', 'channel_source': 'any', 'flow_id': 'any', 'queue_id': 'any',
            'accept_type': 'any', 'transfer_to_flow_id': 'any', 'transfer_to_queue_id': 'any', 'transfer_to_cc_queue_id': 'any',
            'transfer_to_user_id': 'any', 'transfer_to_number': 'any', 'transfer_count': 'any', 'upgraded_to_channel_type': 'any',
            'crm_type': 'any', 'crm_call_status': 'any', 'supervisor_id': 'any', 'supervisor_display_name': 'any',
            'consumer_id': 'any', 'consumer_display_name': 'any', 'inbox_id': 'any', 'inbox_name': 'any', 'conference_type': 'any',
            'invitee_type': 'any', 'invitee': 'any', 'skills': 'any', 'email_reply_to': 'any', 'email_reply_cc': 'any', 'email_reply_bcc': 'any'
        }]
    }) }}
{%- endmacro %}
