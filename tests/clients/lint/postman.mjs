// Imports the description as Postman does, and fails unless every request of the collection has an absolute address.
import { readFileSync } from "node:fs";
import converter from "openapi-to-postmanv2";

const data = readFileSync(process.argv[2], "utf8");
const imported = await new Promise((resolve, reject) =>
    converter.convertV2({ type: "string", data }, {}, (error, result) => (error ? reject(error) : resolve(result))),
);
if (!imported.result) throw new Error(imported.reason);
const collection = imported.output[0].data;
const variables = Object.fromEntries(collection.variable.map(({ key, value }) => [key, value]));
const requests = (items) => items.flatMap((item) => (item.item ? requests(item.item) : [item.request]));
const addresses = requests(collection.item).map(({ url }) =>
    [...url.host, ...url.path].join("/").replace(/\{\{(\w+)\}\}/gu, (_, name) => variables[name]),
);
const bad = addresses.filter((address) => !/^https?:\/\/[\w.]+(:\d+)?\/[\w.]/u.test(address));
if (bad.length || addresses.length < 30)
    throw new Error(`${addresses.length} requests, not absolute: ${bad.join(" ")}`);
console.log(`Postman: ${addresses.length} requests`);
