{#- Which model loads which dataset. -#}
{% macro lake_models() -%}
    {{ return({
        'zoom/engagements': 'base_zoom__engagements',
        'zoom/notes': 'base_zoom__note_versions',
        'zoom/dispositions': 'base_zoom__dispositions',
        'zoom/engagement_events': 'base_zoom__engagement_events',
        'zoom/surveys': 'base_zoom__surveys',
        'zoom/email_messages': 'base_zoom__email_messages',
        'zoom/voice_calls': 'base_zoom__voice_calls',
        'zoom/recordings': 'base_zoom__recordings',
        'zoom/recording_transcripts': 'base_zoom__recording_transcripts',
        'zoom/messaging_transcripts': 'base_zoom__messaging_transcripts',
        'zoom/voicemails': 'base_zoom__voicemails',
        'zoom/voicemail_transcripts': 'base_zoom__voicemail_transcripts',
        'zoom/queues': 'base_zoom__queues',
        'zoom/users': 'base_zoom__users',
        'zoom/flows': 'base_zoom__flows',
        'zoom/inboxes': 'base_zoom__inboxes',
        'zoom/teams': 'base_zoom__teams',
        'zoom/disposition_catalogue': 'base_zoom__disposition_catalogue',
        'zoom/events': 'base_zoom__events',
        'zoom/files': 'base_zoom__files',
        'zoom/completeness': 'base_zoom__completeness',
        'zoom/card_data': 'base_zoom__card_data',
        'zoom/coverage': 'base_zoom__coverage'
    }) }}
{%- endmacro %}
