// Runs a Postman collection through Newman's library and prints one compact JSON line per event. Judges nothing.
//
// Options come as one JSON object on stdin; events go to file descriptor EVENTS_FD, so that nothing a script prints can be
// taken for one. What scripts print goes to stdout. The stock JSON reporter is not used: it holds each response as an array
// of byte numbers and counts the assertions of an item twice after `pm.sendRequest`.
'use strict';

const fs = require('fs');
const util = require('util');

const out = Number(process.env.EVENTS_FD);
const options = JSON.parse(fs.readFileSync(0, 'utf8'));
const LONGEST_BODY = 1024 * 1024;
const NEVER = 2 ** 31 - 1; // milliseconds, the most a timer can wait

// What Postman calls a secret is known here only: the runner masks what its graph names, and these may come from Postman.
function secretsIn({ collection, environment, globals, envVar = [], globalVar = [] }) {
  const lists = [environment && environment.values, globals && globals.values, collection && collection.variable];
  const variables = lists.filter(Array.isArray).flat().filter(Boolean);
  const names = new Set(variables.filter((each) => each.type === 'secret').map((each) => each.key));
  const values = [...variables, ...envVar, ...globalVar].filter((each) => names.has(each.key)).map((each) => `${each.value}`);
  return [...new Set(values.filter((value) => value.length >= SHORTEST_SECRET).flatMap(spellings))];
}

function spellings(value) {
  return [value, JSON.stringify(value).slice(1, -1), encodeURIComponent(value), encodeURI(value).replace(/'/g, '%27'),
    Buffer.from(value).toString('base64')];
}

const SHORTEST_SECRET = 4; // shorter ones would be found in every text
const SECRETS = secretsIn(options).sort((one, other) => other.length - one.length);

function masked(text) {
  return SECRETS.reduce((rest, each) => rest.split(each).join('***'), text);
}

function say(event, fields) {
  const whole = { event, ...fields };
  const line = Buffer.from(JSON.stringify(whole, (key, value) => (
    typeof value === 'string' && key !== 'event' ? masked(value) : value)) + '\n');
  for (let at = 0; at < line.length;) at += fs.writeSync(out, line, at);
}

function fault(error) {
  if (!error) return null;
  return { name: String(error.name || 'Error'), message: String(error.message || error), code: error.code || null };
}

function pathOf(item) {
  const names = [];
  for (let each = item; each && each.parent(); each = each.parent()) names.unshift(String(each.name || ''));
  return names;
}

// Newman runs one item after the other; some of its events come without their item, or with one that forgot its folder.
let current = { path: [], iteration: 0 };

function enter(args) {
  current = { path: args.item ? pathOf(args.item) : [], iteration: args.cursor ? args.cursor.iteration : 0 };
}

// A record of test data in an answer: an object with an id, and a text that begins with the run's data prefix.
function recordIn(response) {
  if (!options.dataPrefix || !response.stream || response.stream.length > LONGEST_BODY) return null;
  let body;
  try { body = JSON.parse(response.text()); } catch { return null; } // not JSON, so no record that we could read
  const inner = body && typeof body === 'object' && !Array.isArray(body) ? Object.values(body) : [];
  for (const each of [body, ...inner]) {
    if (!each || typeof each !== 'object' || Array.isArray(each)) continue;
    const id = [each.id, each._id, each.uid, each.uuid, each.key].find((value) => ['string', 'number'].includes(typeof value));
    const name = Object.values(each).find((value) => typeof value === 'string' && value.startsWith(options.dataPrefix));
    if (id !== undefined && name !== undefined) return { id: String(id), name };
  }
  return null;
}

process.on('uncaughtException', (error) => {
  say('crashed', { error: fault(error) });
  process.exit(70);
});

let newman;
let version;
try {
  newman = require(options.newman);
  version = require(`${options.newman}/package.json`).version;
} catch (error) {
  say('crashed', { error: fault(error) });
  process.exit(70);
}

const scriptTimeout = options.timeoutScript || 0;
const run = newman.run({
  collection: options.collection,
  environment: options.environment || undefined,
  globals: options.globals || undefined,
  iterationCount: options.iterationCount || undefined,
  iterationData: options.iterationData || undefined,
  folder: options.folder && options.folder.length ? options.folder : undefined,
  envVar: options.envVar,
  globalVar: options.globalVar,
  bail: options.bail || false,
  delayRequest: options.delayRequest || 0,
  timeoutRequest: options.timeoutRequest || 0,
  timeoutScript: scriptTimeout,
  // The runtime takes the smaller of the script's and the whole run's limit, and 0 is the smallest.
  timeout: scriptTimeout ? NEVER : 0,
  insecure: Boolean(options.insecure),
  workingDir: options.workingDir || undefined,
  suppressExitCode: true,
  reporters: [],
}, (error, summary) => {
  const timings = (summary && summary.run && summary.run.timings) || {};
  const stats = (summary && summary.run && summary.run.stats) || {};
  say('done', {
    error: fault(error || (summary && summary.run && summary.run.error)),
    iterations: stats.iterations ? stats.iterations.total : 0,
    milliseconds: timings.completed ? timings.completed - timings.started : 0,
  });
});

run.on('start', (error, args) => {
  let items = 0;
  if (args && args.run && args.run.state && args.run.state.items) items = args.run.state.items.length;
  say('started', { version, node: process.versions.node, items, iterations: args && args.cursor ? args.cursor.cycles : 1 });
});
run.on('beforeItem', (error, args) => {
  enter(args);
  say('item', current);
});
run.on('request', (error, args) => {
  const { request, response } = args;
  say('request', {
    ...current,
    method: request ? String(request.method) : '',
    url: request ? request.url.toString().replace(/^(\w+:\/\/)[^/?#]*@/, '$1***@') : '',
    status: response ? response.code : null,
    milliseconds: response ? response.responseTime : null,
    type: response ? String(response.headers.get('content-type') || '').split(';')[0] : '',
    record: response && response.code < 300 ? recordIn(response) : null,
    error: fault(error),
  });
});
run.on('assertion', (error, args) => say('assertion', {
  ...current, name: String(args.assertion), skipped: Boolean(args.skipped), error: fault(args.error || error),
}));
run.on('exception', (error, args) => say('script_error', { ...current, error: fault(args.error || error) }));
run.on('script', (error) => error && say('script_error', { ...current, error: fault(error) }));
run.on('console', (error, args) => console.log(masked(util.format(...args.messages))));
