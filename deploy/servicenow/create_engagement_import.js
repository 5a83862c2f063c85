/*
 * Makes what zcc export servicenow needs: columns on interaction (the key with a unique index), a staging table, and a
 * transform map that coalesces on the key.
 *
 * Run it as an administrator under System Definition > Scripts - Background, in the global scope, with an update set of
 * your own selected: what it makes is then in that update set. It may be run again: what is there stays as it is, except
 * that field maps which are missing are added. It deletes nothing and touches no record.
 */
(function createEngagementImport() {
    var TARGET = 'interaction';
    var STAGING = 'u_zcc_engagement_import';
    var KEY = 'u_zcc_engagement_id';

    // Columns that are added to TARGET: name, label, type, length.
    var COLUMNS = [
        { name: 'u_zcc_engagement_id', label: 'ZCC engagement id', type: 'string', length: 64 },
        { name: 'u_zcc_summary', label: 'ZCC summary', type: 'string', length: 4000 },
        { name: 'u_zcc_transcript', label: 'ZCC transcript', type: 'string', length: 65000 },
        { name: 'u_zcc_dispositions', label: 'ZCC dispositions', type: 'string', length: 255 },
        { name: 'u_recording_url', label: 'Recording URL', type: 'url', length: 1024 },
        { name: 'u_zcc_duration_seconds', label: 'ZCC duration (seconds)', type: 'integer', length: 40 },
        { name: 'u_zcc_talk_seconds', label: 'ZCC talk time (seconds)', type: 'integer', length: 40 },
        { name: 'u_zcc_waiting_seconds', label: 'ZCC waiting time (seconds)', type: 'integer', length: 40 },
        { name: 'u_zcc_queue', label: 'ZCC queue', type: 'string', length: 100 },
        { name: 'u_zcc_agent', label: 'ZCC agent', type: 'string', length: 100 },
        { name: 'u_zcc_customer_name', label: 'ZCC customer name', type: 'string', length: 100 },
        { name: 'u_zcc_customer_phone', label: 'ZCC customer phone', type: 'string', length: 40 },
        { name: 'u_zcc_deleted_at_source', label: 'ZCC deleted at source', type: 'boolean', length: 40 }
    ];

    // Columns that TARGET has already, and that the transform map fills as well; those that it lacks are left out.
    var FILLED = ['type', 'direction', 'state', 'short_description', 'opened_at', 'closed_at', 'opened_for', 'consumer',
        'assigned_to'];

    function find(table, query) {
        var record = new GlideRecord(table);
        record.addEncodedQuery(query);
        record.setLimit(1);
        record.query();
        return record.next() ? record : null;
    }

    function make(table, values) {
        var record = new GlideRecord(table);
        record.initialize();
        for (var name in values) {
            if (values.hasOwnProperty(name)) {
                record.setValue(name, values[name]);
            }
        }
        var id = record.insert();
        gs.info('ZCC: ' + table + ' ' + (values.element || values.name || values.target_field) + (id ? ' made' : ' REFUSED'));
        return id;
    }

    function column(table, name) {
        return find('sys_dictionary', 'name=' + table + '^element=' + name);
    }

    function addColumn(table, name, label, type, length, isUnique) {
        if (column(table, name)) {
            return;
        }
        make('sys_dictionary', {
            name: table,
            element: name,
            column_label: label,
            internal_type: type,
            max_length: length,
            unique: isUnique ? 'true' : 'false',
            active: 'true'
        });
    }

    function stagingName(target) {
        return target.indexOf('u_') === 0 ? target : 'u_' + target;
    }

    function stagingLength(target) {
        var found = column(TARGET, target);
        var length = found ? parseInt(found.getValue('max_length'), 10) : 0;
        return Math.max(length || 0, 40);
    }

    var i;
    for (i = 0; i < COLUMNS.length; i++) {
        addColumn(TARGET, COLUMNS[i].name, COLUMNS[i].label, COLUMNS[i].type, COLUMNS[i].length, COLUMNS[i].name === KEY);
    }

    if (!find('sys_db_object', 'name=' + STAGING)) {
        make('sys_db_object', {
            name: STAGING,
            label: 'ZCC engagement import',
            super_class: find('sys_db_object', 'name=sys_import_set_row').getUniqueValue()
        });
    }

    var wanted = [];
    for (i = 0; i < FILLED.length; i++) {
        if (column(TARGET, FILLED[i])) {
            wanted.push(FILLED[i]);
        }
    }
    for (i = 0; i < COLUMNS.length; i++) {
        wanted.push(COLUMNS[i].name);
    }

    var map = find('sys_transform_map', 'source_table=' + STAGING + '^target_table=' + TARGET);
    var mapId = map ? map.getUniqueValue() : make('sys_transform_map', {
        name: 'ZCC engagements',
        source_table: STAGING,
        target_table: TARGET,
        active: 'true',
        run_business_rules: 'true',
        copy_empty_fields: 'true'
    });

    for (i = 0; i < wanted.length; i++) {
        var target = wanted[i];
        var source = stagingName(target);
        addColumn(STAGING, source, source, 'string', stagingLength(target), false);
        if (find('sys_transform_entry', 'map=' + mapId + '^target_field=' + target)) {
            continue;
        }
        make('sys_transform_entry', {
            map: mapId,
            source_table: STAGING,
            source_field: source,
            target_table: TARGET,
            target_field: target,
            coalesce: target === KEY ? 'true' : 'false',
            coalesce_empty_fields: 'false',
            choice_action: 'ignore',
            reference_value_field: column(TARGET, target).getValue('internal_type') === 'reference' ? 'sys_id' : '',
            date_format: 'yyyy-MM-dd HH:mm:ss',
            use_source_script: 'false'
        });
    }
    gs.info('ZCC: done; zcc doctor says whether anything is missing');
})();
