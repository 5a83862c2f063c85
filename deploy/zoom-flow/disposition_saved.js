// zcc-pipeline flow event script: paste it as it is into the event "Disposition Saved" of a flow's Start widget.
// See README.md beside this file for the custom variables it needs. Everything below the first line of main is the same
// in both scripts.
async function main() {
  var EVENT_TYPE = "disposition_saved";

  var TIMEOUT_MS = 5000;
  // The receiver takes 1 MiB; a longer transcript is left to the API, which has it a little later.
  var MAX_BODY_BYTES = 1000000;
  var SYSTEM = ["global_system", "Engagement"];

  function say(level, text) {
    try {
      log[level]("zcc-pipeline: " + text);
    } catch (ignored) {
      // Without a log there is nobody to tell.
    }
  }

  function isObject(value) {
    return value !== null && typeof value === "object";
  }

  function isFilled(value) {
    if (typeof value === "string") return value.trim() !== "";
    if (Array.isArray(value)) return value.length > 0;
    if (isObject(value)) return Object.keys(value).length > 0;
    return typeof value === "number" || typeof value === "boolean";
  }

  function parsed(text) {
    if (typeof text !== "string" || !/^\s*[{[]/.test(text)) return null;
    try {
      return JSON.parse(text);
    } catch (ignored) {
      return null;
    }
  }

  // engagementId, EngagementID and engagement_id are one name: which one it is differs between accounts.
  function plain(name) {
    return String(name).toLowerCase().replace(/[^a-z0-9]/g, "");
  }

  function member(node, name) {
    if (!isObject(node)) return undefined;
    if (Object.prototype.hasOwnProperty.call(node, name) && isFilled(node[name])) return node[name];
    var keys = Object.keys(node);
    for (var i = 0; i < keys.length; i++) {
      if (plain(keys[i]) === plain(name) && isFilled(node[keys[i]])) return node[keys[i]];
    }
    return undefined;
  }

  // Walks down a path whose first steps may be joined in one key ("global_system.Engagement").
  function descend(node, path, readsJson) {
    if (path.length === 1) return member(node, path[0]);
    for (var length = path.length - 1; length > 0; length--) {
      var child = member(node, path.slice(0, length).join("."));
      if (readsJson && typeof child === "string") child = parsed(child);
      var found = isObject(child) ? descend(child, path.slice(length), readsJson) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  // A custom variable by its own name, whatever group the account keeps it in.
  function custom(node, name, depth) {
    if (!isObject(node) || depth > 3) return undefined;
    var keys = Object.keys(node);
    var i;
    for (i = 0; i < keys.length; i++) {
      var last = keys[i].slice(keys[i].lastIndexOf(".") + 1);
      if (plain(last) === plain(name) && isFilled(node[keys[i]])) return node[keys[i]];
    }
    for (i = 0; i < keys.length; i++) {
      if (plain(keys[i]).indexOf("globalsystem") === 0) continue;
      var child = isObject(node[keys[i]]) ? node[keys[i]] : depth === 0 ? parsed(node[keys[i]]) : null;
      var found = custom(child, name, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  // All variables: an object by the documentation; JSON text is taken as well.
  function allVariables() {
    var all = var_get();
    return isObject(all) ? all : parsed(all) || {};
  }

  // Some accounts see system variables only when asking for the whole of global_system, as JSON text.
  function systemVariables() {
    try {
      var system = var_get("global_system");
      if (typeof system === "string") system = parsed(system);
      return isObject(system) && member(system, "global_system") === undefined ? { global_system: system } : {};
    } catch (ignored) {
      return {};
    }
  }

  function find(names, customName) {
    var forms = [
      ["flat", function (name) { return member(all, SYSTEM.concat(name).join(".")); }],
      ["object", function (name) { return descend(all, SYSTEM.concat(name), false); }],
      ["json", function (name) {
        var path = SYSTEM.concat(name);
        var found = descend(all, path, true);
        return found === undefined ? descend(system, path, true) : found;
      }],
    ];
    for (var i = 0; i < forms.length; i++) {
      for (var j = 0; j < names.length; j++) {
        var found = forms[i][1](names[j]);
        if (found !== undefined) return { value: found, form: forms[i][0] };
      }
    }
    var own = custom(all, customName, 0);
    return own === undefined ? null : { value: own, form: "custom" };
  }

  // Half of an emoji, left where a text was cut, is no text any more, and the receiver would refuse the whole event.
  function whole(key, value) {
    if (typeof value !== "string") return value;
    return value.replace(/[\ud800-\udbff][\udc00-\udfff]|[\ud800-\udfff]/g, function (found) {
      return found.length === 2 ? found : "\ufffd";
    });
  }

  function text(found) {
    return found && !isObject(found.value) ? whole("", String(found.value)).trim() : "";
  }

  function content(found) {
    if (!found) return undefined;
    return isObject(found.value) ? JSON.parse(JSON.stringify(found.value), whole) : whole("", String(found.value));
  }

  function formatOf(value) {
    if (isObject(value)) return "object";
    return parsed(value) === null ? "text" : "json";
  }

  // Two 32-bit hashes (FNV-1a and djb2) over UTF-16 units: no cryptography is at hand, and none is needed to tell
  // whether this very content of this very engagement was sent before.
  function hash(value) {
    var fnv = 0x811c9dc5;
    var djb = 5381;
    for (var i = 0; i < value.length; i++) {
      var unit = value.charCodeAt(i);
      fnv = Math.imul(fnv ^ (unit & 0xff), 0x01000193);
      fnv = Math.imul(fnv ^ (unit >>> 8), 0x01000193);
      djb = (Math.imul(djb, 33) + unit) | 0;
    }
    return ("0000000" + (fnv >>> 0).toString(16)).slice(-8) + ("0000000" + (djb >>> 0).toString(16)).slice(-8);
  }

  function byteLength(value) {
    var bytes = 0;
    for (var i = 0; i < value.length; i++) {
      var unit = value.charCodeAt(i);
      bytes += unit < 0x80 ? 1 : unit < 0x800 || (unit >= 0xd800 && unit <= 0xdfff) ? 2 : 3;
    }
    return bytes;
  }

  function makeBody(engagement, disposition, transcript) {
    var body = {
      schema: 1,
      type: EVENT_TYPE,
      engagement_id: text(engagement),
      occurred_at: new Date().toISOString(),
      direction: "inbound",
      variable_form: (disposition || transcript || engagement).form,
    };
    var optional = {
      flow_id: text(find(["flowId"], "zcc_flow_id")),
      flow_name: text(find(["flowName"], "zcc_flow_name")),
      channel: text(find(["channel"], "zcc_channel")),
      account_id: text(find(["accountId"], "zcc_account_id")),
      disposition: content(disposition),
      transcript: content(transcript),
    };
    Object.keys(optional).forEach(function (name) {
      if (isFilled(optional[name])) body[name] = optional[name];
    });
    if (body.transcript !== undefined) body.transcript_format = formatOf(body.transcript);
    if (byteLength(JSON.stringify(body)) > MAX_BODY_BYTES) {
      say("warn", "the transcript is too long to be sent from a flow; the API will bring it");
      delete body.transcript;
      delete body.transcript_format;
    }
    var said = JSON.stringify([body.disposition, body.transcript]);
    body.idempotency_key = body.engagement_id + ":" + EVENT_TYPE + ":" + hash(said);
    return body;
  }

  function whyNot(url, token, engagement) {
    if (!/^https:\/\/[^\s]+$/i.test(url) && !/^http:\/\/(127\.0\.0\.1|localhost)(:\d+)?\//.test(url)) {
      return "the custom variable zcc_events_url is empty or no https address";
    }
    if (!/^[\x21-\x7e]+$/.test(token)) return "the custom variable zcc_events_token is empty or no token";
    if (!/^[^\s]{1,100}$/.test(text(engagement))) {
      return "no engagement id in the variables; set the custom variable zcc_engagement_id from the variable panel";
    }
    return "";
  }

  function reasonOf(error) {
    if (error && error.response && error.response.status) return "HTTP " + Number(error.response.status);
    // Only the short code: a message may quote the address or what was sent.
    return error && /^[A-Z_]{1,40}$/.test(error.code) ? error.code : "no answer";
  }

  async function send(url, token, body) {
    try {
      var response = await req.post(url, body, {
        timeout: TIMEOUT_MS,
        maxRedirects: 0,
        headers: { Authorization: "Bearer " + token, "Content-Type": "application/json" },
      });
      var status = Number(response && response.status);
      if (status >= 200 && status < 300) say("info", EVENT_TYPE + " sent");
      else say("error", EVENT_TYPE + " not taken: HTTP " + status);
    } catch (error) {
      say("error", EVENT_TYPE + " not sent: " + reasonOf(error));
    }
  }

  var all = {};
  var system = {};
  try {
    all = allVariables();
    system = systemVariables();
    var url = text({ value: custom(all, "zcc_events_url", 0) || "" });
    var token = text({ value: custom(all, "zcc_events_token", 0) || "" });
    var engagement = find(["engagementId", "id"], "zcc_engagement_id");
    var problem = whyNot(url, token, engagement);
    if (problem) {
      say("error", EVENT_TYPE + " not sent: " + problem);
      return;
    }
    var disposition = find(["disposition"], "zcc_disposition");
    var transcript = find(["transcript"], "zcc_transcript");
    say("info", "variables: engagement id " + engagement.form + ", disposition " +
      (disposition ? disposition.form : "none") + ", transcript " + (transcript ? transcript.form : "none"));
    await send(url, token, makeBody(engagement, disposition, transcript));
  } catch (error) {
    say("error", EVENT_TYPE + " not sent: unexpected " + (error && error.name));
  }
}
