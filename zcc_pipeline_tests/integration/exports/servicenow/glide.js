// As much of an instance's server side as the script in deploy/servicenow needs; rows come in and go out as JSON.
const fs = require('fs');
const [, , script, rowsFile] = process.argv;
const rows = JSON.parse(fs.readFileSync(rowsFile, 'utf8'));
const inserted = [];
let count = 0;

class GlideRecord {
    constructor(table) {
        this.table = table;
        this.conditions = [];
        this.values = {};
    }
    addEncodedQuery(query) {
        this.conditions = query.split('^').map((condition) => condition.split('='));
    }
    setLimit() {}
    query() {
        const all = rows[this.table] || [];
        this.found = all.filter((row) => this.conditions.every(([name, value]) => (row[name] || '') === value));
    }
    next() {
        const row = (this.found || []).shift();
        if (row) {
            this.values = row;
        }
        return Boolean(row);
    }
    initialize() {}
    setValue(name, value) {
        this.values[name] = String(value);
    }
    getValue(name) {
        return name in this.values ? this.values[name] : null;
    }
    getUniqueValue() {
        return this.values.sys_id;
    }
    insert() {
        count += 1;
        this.values.sys_id = count.toString(16).padStart(32, '0');
        (rows[this.table] = rows[this.table] || []).push(this.values);
        inserted.push({ table: this.table, values: this.values });
        return this.values.sys_id;
    }
}

const gs = { info() {} };
new Function('GlideRecord', 'gs', fs.readFileSync(script, 'utf8'))(GlideRecord, gs);
process.stdout.write(JSON.stringify({ inserted, rows }));
