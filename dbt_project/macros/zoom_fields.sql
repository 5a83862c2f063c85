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


{#- A note inside an engagement, in the account's list of notes, or pushed (`contact_center.engagement_note_added`). -#}
{% macro note_fields() -%}
    {{ return({
        'note_id': 'text', 'note': 'text', 'user_id': 'text', 'last_modified_time': 'text', 'engagement_id': 'text', 'channel': 'any',
        'channel_type': 'any', 'channel_source': 'any', 'engagement_direction': 'any', 'cc_queue_id': 'any', 'queue_name': 'any',
        'flow_id': 'any', 'flow_name': 'any', 'flow_number': 'any', 'user_display_name': 'any', 'consumer_id': 'any',
        'consumer_display_name': 'any', 'consumer_number': 'any', 'date_time_ms': 'any'
    }) }}
{%- endmacro %}


{#- A disposition inside an engagement, or pushed (`contact_center.engagement_disposition_added`). -#}
{% macro disposition_fields() -%}
    {{ return({
        'disposition_id': 'text', 'disposition_name': 'text', 'engagement_id': 'any', 'disposition_description': 'any', 'status': 'any',
        'last_modified_time': 'any', 'modified_by': 'any', 'channel': 'any', 'channel_source': 'any', 'engagement_direction': 'any',
        'cc_queue_id': 'any', 'queue_name': 'any', 'flow_id': 'any', 'flow_name': 'any', 'flow_number': 'any', 'user_id': 'any',
        'user_display_name': 'any', 'consumer_id': 'any', 'consumer_display_name': 'any', 'consumer_number': 'any', 'date_time_ms': 'any'
    }) }}
{%- endmacro %}


{% macro engagement_events_fields() -%}
    {{ return({
        'engagement_id': 'text',
        'events': [{'start_time': 'text', 'event_name': 'text', 'channel': 'text', 'channel_source': 'any', 'event_content': 'text'}]
    }) }}
{%- endmacro %}


{% macro survey_fields() -%}
    {{ return({
        'survey_id': 'text', 'survey_name': 'text', 'engagement_id': 'any', 'queue_id': 'any', 'queue_name': 'any', 'flow_id': 'any',
        'flow_name': 'any', 'survey_trigger_level': 'any',
        'survey_results': [{
            'question_id': 'text', 'question_name': 'text', 'question_type': 'integer', 'question_order': 'any', 'date_time': 'text',
            'answer': 'text', 'numeric_answer': 'number', 'file_url': 'any'
        }]
    }) }}
{%- endmacro %}


{% macro email_message_fields() -%}
    {{ return({
        'engagement_id': 'any', 'content': 'any', 'text': 'text', 'subject': 'text', 'sent_time': 'text', 'from_type': 'text', 'user_id': 'any',
        'user_name': 'text', 'from_address': {'name': 'text', 'address': 'text'}, 'to': 'any', 'cc': 'any', 'bcc': 'any',
        'content_mime_type': 'any', 'message_type': 'text', 'files': 'any', 'inline_files': 'any'
    }) }}
{%- endmacro %}


{% macro voice_call_fields() -%}
    {{ return({
        'engagement_id': 'text', 'start_time': 'text', 'end_time': 'text', 'recorded': 'boolean', 'inbox': 'boolean', 'monitored': 'boolean',
        'result': 'text', 'total_duration': 'integer', 'direction': 'any', 'call_legs': 'any', 'distributions': 'any', 'types': 'any',
        'sub_types': 'any', 'caller_number': 'text', 'caller_number_type': 'any', 'callee_number': 'text', 'callee_number_type': 'any',
        'consumer_number': 'any', 'consumer_display_name': 'any', 'queues': 'any', 'agents': 'any', 'flows': 'any', 'country_name': 'any',
        'caller_id': 'any', 'calling_party': 'any', 'charge': 'any', 'rates': 'any', 'charge_type': 'any',
        'session_border_controller_list': 'any', 'voice_call_details': 'any'
    }) }}
{%- endmacro %}


{#- A recording as listed, or pushed (`contact_center.recording_completed`, `…_transcript_completed`): the last line is the push's own. -#}
{% macro recording_fields() -%}
    {{ return({
        'recording_id': 'text', 'engagement_id': 'text', 'cc_queue_id': 'text', 'queue_name': 'text', 'queue_id': 'any',
        'recording_duration': 'integer', 'download_url': 'any', 'transcript_url': 'text', 'playback_url': 'any',
        'recording_start_time': 'text', 'recording_end_time': 'text', 'user_id': 'text', 'display_name': 'text', 'user_email': 'any',
        'recording_type': 'text', 'channel_type': 'any', 'channel': 'text', 'direction': 'text', 'owner_id': 'any', 'owner_name': 'any',
        'owner_type': 'text', 'flow_id': 'any', 'flow_name': 'any', 'consumer_name': 'any', 'consumer_number': 'any', 'consumers': 'any',
        'exemption': 'any', 'team_id': 'any', 'team_name': 'any', 'segment_type': 'text', 'reason_details': 'any',
        'conference_participant': 'any',
        'recording_start_time_ms': 'text', 'recording_end_time_ms': 'text', 'engagement_direction': 'text',
        'users': [{'user_id': 'text', 'user_display_name': 'text'}]
    }) }}
{%- endmacro %}


{#- A voicemail as listed, or pushed (`contact_center.inbox_message_received`, `…voicemail_transcript_completed`): the last lines are the push's own. -#}
{% macro voicemail_fields() -%}
    {{ return({
        'message_id': 'text', 'inbox_id': 'text', 'inbox_name': 'text', 'engagement_id': 'text', 'created_at': 'text', 'flow_id': 'any',
        'flow_name': 'any', 'queue_id': 'any', 'cci_queue_id': 'text', 'queue_name': 'text', 'message_type': 'any', 'download_url': 'any',
        'playback_url': 'any', 'transcript_url': 'text', 'message_duration': 'integer', 'consumer_number': 'text', 'consumer_id': 'text',
        'consumer_display_name': 'text', 'status': 'text',
        'cc_queue_id': 'text', 'date_time_ms': 'text', 'channel': 'any', 'channel_source': 'any', 'engagement_direction': 'any',
        'flow_number': 'any', 'user_id': 'any', 'user_display_name': 'any', 'delete_type': 'any'
    }) }}
{%- endmacro %}


{#- What the pipeline lands after reading a transcript file, or what a flow sent of one: the same for all three kinds. -#}
{% macro transcript_fields() -%}
    {{ return({
        'source_id': 'text', 'engagement_id': 'text', 'occurred_at': 'text', 'path': 'text', 'sha256': 'text', 'format': 'text',
        'problem': 'any',
        'turns': [{'turn': 'integer', 'speaker': 'text', 'offset_seconds': 'number', 'duration_seconds': 'number', 'text': 'text'}]
    }) }}
{%- endmacro %}


{% macro queue_fields() -%}
    {{ return({
        'cc_queue_id': 'text', 'queue_id': 'any', 'queue_name': 'text', 'agents_count': 'integer', 'supervisors_count': 'integer',
        'channel_types': 'any', 'channel': 'text', 'modified_by': 'any', 'last_modified_time': 'text'
    }) }}
{%- endmacro %}


{% macro user_fields() -%}
    {{ return({
        'user_id': 'text', 'cc_user_id': 'any', 'display_name': 'text', 'user_email': 'text', 'role_id': 'any', 'role_name': 'text',
        'client_integration': 'any', 'status_id': 'any', 'status_name': 'any', 'sub_status_id': 'any', 'sub_status_name': 'any',
        'user_access': 'text', 'modified_by': 'any', 'last_modified_time': 'text', 'country_iso_code': 'any', 'region_id': 'any',
        'region_name': 'text', 'channel_settings': 'any', 'package_name': 'any', 'add_ons_plan': 'any',
        'teams': [{'team_id': 'any', 'team_name': 'text'}], 'billing_account_id': 'any', 'billing_account_name': 'any'
    }) }}
{%- endmacro %}


{% macro flow_fields() -%}
    {{ return({
        'flow_id': 'text', 'flow_name': 'text', 'flow_description': 'any', 'channel_type': 'any', 'channel': 'text',
        'channel_source': 'any', 'status': 'text', 'modified_by': 'any', 'last_modified_time': 'any', 'entry_points': 'any',
        'flow_versions': 'any'
    }) }}
{%- endmacro %}


{% macro inbox_fields() -%}
    {{ return({
        'inbox_id': 'text', 'inbox_name': 'text', 'inbox_type': 'text', 'inbox_description': 'any', 'inbox_content_storage_location': 'any',
        'access_user_count': 'any', 'access_queue_count': 'any', 'last_modified_time': 'any', 'modified_by': 'any',
        'voicemail': {
            'soft_delete': 'any', 'soft_delete_days_limit': 'any', 'voicemail_time_limit': 'any', 'delete_voicemail_days_limit': 'integer',
            'voicemail_transcription': 'boolean', 'voicemail_notification_by_email': 'any', 'greeting_audio_asset_id': 'any',
            'voicemail_auto_assignment': 'any', 'voicemail_send_reminders_for_unresolved': 'any'
        }
    }) }}
{%- endmacro %}


{% macro team_fields() -%}
    {{ return({
        'team_id': 'text', 'team_name': 'text', 'team_description': 'any', 'parent_team_id': 'text', 'parent_team_name': 'any',
        'created_time': 'any', 'modify_time': 'any'
    }) }}
{%- endmacro %}


{% macro disposition_catalogue_fields() -%}
    {{ return({
        'disposition_id': 'text', 'disposition_name': 'text', 'disposition_description': 'any', 'status': 'text', 'queue_count': 'any',
        'last_modified_time': 'any', 'modified_by': 'any', 'disposition_type': 'text',
        'sub_dispositions': [{
            'sub_disposition_id': 'text', 'sub_disposition_name': 'text', 'current_index': 'integer', 'parent_index': 'integer'
        }]
    }) }}
{%- endmacro %}


{#- A pushed event, as Zoom's envelope or as our own schema of flow events. What is inside is read where it is a fact. -#}
{% macro event_fields() -%}
    {{ return({
        'event': 'any', 'event_ts': 'any', 'payload': 'any',
        'schema': 'any', 'type': 'any', 'idempotency_key': 'any', 'engagement_id': 'any', 'occurred_at': 'any', 'flow_id': 'text',
        'flow_name': 'text', 'channel': 'text', 'direction': 'text', 'disposition': 'any', 'transcript': 'any',
        'transcript_format': 'any', 'variable_form': 'text', 'account_id': 'any'
    }) }}
{%- endmacro %}


{#- One record per stored file, made by the pipeline. -#}
{% macro file_fields() -%}
    {{ return({
        'kind': 'text', 'source_id': 'text', 'engagement_id': 'text', 'occurred_at': 'text', 'path': 'text', 'size_bytes': 'integer',
        'sha256': 'text', 'sha512': 'text', 'media_type': 'text', 'stored_at': 'text'
    }) }}
{%- endmacro %}


{#- One record per engagement and artefact kind, made by the pipeline. -#}
{% macro completeness_fields() -%}
    {{ return({
        'engagement_id': 'text', 'kind': 'text', 'status': 'text', 'reason': 'text', 'evidence': 'text', 'expected_items': 'integer',
        'stored_items': 'integer', 'verified_at': 'any', 'next_try_at': 'text', 'occurred_at': 'text'
    }) }}
{%- endmacro %}


{#-
    Made by the pipeline: one record per text in which card data was found, places only, never the digits; and records that list the engagements
    whose texts were looked at, by numbers.
-#}
{% macro card_data_fields() -%}
    {{ return({
        'engagement_id': 'text', 'dataset': 'text', 'record_id': 'text', 'version': 'text', 'status': 'text', 'findings': 'any',
        'engagement_numbers': ['integer'], 'policy': 'any', 'listing': 'any', 'occurred_at': 'text'
    }) }}
{%- endmacro %}
