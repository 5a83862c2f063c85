// Runs one flow script in a context that holds nothing but the built-ins that Zoom documents
// (https://support.zoom.com/hc/en/article?id=zm_kb&sysparm_article=KB0066774), as JSON in and JSON out.
// A harness for tests, not a sandbox: node:vm is no security boundary.
"use strict";

const fs = require("node:fs");
const http = require("node:http");
const vm = require("node:vm");

const order = JSON.parse(fs.readFileSync(0, "utf8"));
const seen = { logs: [], posts: [], thrown: null };

// What the scripts use of axios: JSON out, an error with `response` for all but 2xx, an error with `code` otherwise.
function post(url, data, config = {}) {
  seen.posts.push({ url, timeout: config.timeout, maxRedirects: config.maxRedirects, headers: config.headers });
  if (order.post_throws) throw new Error("secret " + url);
  return new Promise((resolve, reject) => {
    const options = { method: "POST", headers: config.headers };
    const request = http.request(url, options, (response) => {
      response.resume();
      response.on("end", () => {
        if (response.statusCode >= 200 && response.statusCode < 300) resolve({ status: response.statusCode });
        else reject(Object.assign(new Error("status of " + url), { response: { status: response.statusCode } }));
      });
    });
    const timer = setTimeout(() => {
      request.destroy();
      reject(Object.assign(new Error("slow " + url), { code: "ECONNABORTED" }));
    }, config.timeout / (order.hurry || 1));
    request.on("error", reject);
    request.on("close", () => clearTimeout(timer));
    request.end(JSON.stringify(data));
  });
}

function varGet(name) {
  if (order.var_get_throws) throw new Error("no variables");
  if (name !== undefined) return (order.by_name || {})[name] ?? "";
  return order.variables;
}

const line = (level) => (text) => {
  if (typeof text !== "string") throw new TypeError("log takes text");
  if (order.log_throws) throw new Error("no log");
  seen.logs.push([level, text]);
};
const unused = () => { throw new Error("not to be called"); };

const context = vm.createContext(
  {
    var_get: varGet,
    var_set: unused,
    global_var_set: unused,
    req: { get: unused, post, put: unused, patch: unused, delete: unused, head: unused, options: unused },
    log: { debug: line("debug"), info: line("info"), warn: line("warn"), error: line("error") },
  },
  { codeGeneration: { strings: false, wasm: false } },
);
vm.runInContext("delete globalThis.console; delete globalThis.WebAssembly;", context);

process.on("unhandledRejection", (error) => { seen.thrown = "unhandled: " + error; });
(async () => {
  try {
    seen.globals = vm.runInContext("Object.getOwnPropertyNames(globalThis)", context);
    vm.runInContext(fs.readFileSync(order.script, "utf8"), context, { filename: order.script });
    seen.result = await vm.runInContext("main()", context);
  } catch (error) {
    seen.thrown = String(error);
  }
  setImmediate(() => fs.writeSync(1, JSON.stringify(seen)));
})();
