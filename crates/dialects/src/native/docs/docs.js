// Renders the two generated documents. Everything that comes out of them is set as text, never as markup.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];

function make(tag, properties, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name === "class") element.className = value;
    else element.setAttribute(name, value);
  }
  for (const child of children.flat()) {
    if (child !== null && child !== undefined) element.append(child);
  }
  return element;
}

const code = (text) => make("code", {}, String(text));
const anchor = (name) => name.replace(/[^a-zA-Z0-9]+/g, "-");

// The last part of a reference, and what it leads to.
const nameOf = (reference) => reference.split("/").pop();
function follow(root, reference) {
  return reference.split("/").slice(1).reduce((at, step) => at?.[step.replaceAll("~1", "/").replaceAll("~0", "~")], root);
}

// A schema's type in a few words, with links to named ones.
function typeOf(schema) {
  if (!schema) return ["anything"];
  if (schema.$ref) {
    const name = nameOf(schema.$ref);
    return [make("a", { href: "#object-" + anchor(name) }, name)];
  }
  const choices = schema.oneOf || schema.anyOf;
  if (choices) return choices.flatMap((choice, index) => (index ? [" or ", ...typeOf(choice)] : typeOf(choice)));
  if (schema.enum) return schema.enum.flatMap((value, index) => (index ? [" ", code(value)] : [code(value)]));
  if ("const" in schema) return [code(schema.const)];
  if (schema.type === "array" || schema.type?.includes?.("array")) return ["list of ", ...typeOf(schema.items)];
  const type = Array.isArray(schema.type) ? schema.type.join(" or ") : schema.type || "object";
  return [schema.format && type === "string" ? `${type} (${schema.format})` : type];
}

function descriptionOf(schema) {
  return schema.description || (schema.oneOf || []).map((choice) => choice.description).find(Boolean) || "";
}

// All fields of an object: its own, and those of what it is made of.
function fieldsOf(root, schema) {
  if (schema.$ref) return fieldsOf(root, follow(root, schema.$ref) || {});
  const parts = (schema.allOf || []).flatMap((part) => fieldsOf(root, part));
  const required = schema.required || [];
  const own = Object.entries(schema.properties || {}).map(([name, field]) => ({ name, field, must: required.includes(name) }));
  return [...parts, ...own];
}

function fieldTable(fields, caption) {
  if (!fields.length) return null;
  return make("div", { class: "wide", tabindex: "0", role: "group", "aria-label": caption }, make("table", {},
    make("caption", { class: "unseen" }, caption),
    make("thead", {}, make("tr", {}, make("th", { scope: "col" }, "Field"), make("th", { scope: "col" }, "Type"), make("th", { scope: "col" }, "Meaning"))),
    make("tbody", {}, fields.map(({ name, field, must }) =>
      make("tr", {},
        make("td", {}, code(name), must ? make("span", { class: "must" }, " required") : null),
        make("td", {}, typeOf(field)),
        make("td", {}, descriptionOf(field)))))));
}

function article(id, title, summary, words, ...children) {
  return make("article", { id, "data-words": words.toLowerCase() },
    make("h3", {}, make("a", { href: "#" + id }, title)),
    summary ? make("p", {}, summary) : null,
    ...children);
}

// REST operations by the name of their command: `message.send.put` is a second way to `message.send`.
function restByCommand(openapi, commands) {
  const found = new Map();
  for (const [path, item] of Object.entries(openapi.paths)) {
    for (const method of METHODS.filter((known) => item[known])) {
      const operation = item[method];
      const id = operation.operationId;
      const command = commands.has(id) ? id : id.slice(0, id.lastIndexOf("."));
      if (!found.has(command)) found.set(command, []);
      found.get(command).push({ method, path, operation });
    }
  }
  return found;
}

function route({ method, path, operation }) {
  const parameters = (operation.parameters || []).filter((parameter) => parameter.in !== "path");
  const status = Object.keys(operation.responses).find((known) => known.startsWith("2"));
  return [
    make("div", { class: "route" },
      make("span", { class: "method " + method }, method.toUpperCase()), code(path), make("span", { class: "quiet" }, "→ " + status)),
    parameters.length
      ? make("p", { class: "quiet" }, "Parameters: ", parameters.flatMap((parameter, index) => [
          index ? ", " : "", code(parameter.name), parameter.in === "header" ? " (header)" : ""]))
      : null,
  ];
}

function commandArticle(asyncapi, name, operation, routes) {
  const message = asyncapi.components.messages["command." + name];
  const data = message.payload.properties.data;
  const fields = fieldsOf(asyncapi, data);
  const replies = operation.reply.messages.map((reply) => nameOf(reply.$ref)).filter((reply) => reply !== "error");
  const answers = replies.flatMap((reply, index) => {
    const answer = asyncapi.components.messages[reply];
    return [index ? " or " : "", code(answer.name), " with ", ...typeOf(answer.payload.properties.data)];
  });
  const open = routes.length > 0 && routes.every(({ operation: rest }) => rest.security.length === 0);
  const example = { id: "c1", type: name };
  if (fields.length) example.data = Object.fromEntries(fields.filter(({ must }) => must).map(({ name: field, field: schema }) => [field, sample(asyncapi, schema)]));
  return article("command-" + anchor(name), name, operation.summary, [name, operation.summary, ...routes.map(({ path }) => path)].join(" "),
    open ? make("p", { class: "quiet" }, "Needs no credential.") : null,
    routes.flatMap(route),
    fields.length ? make("h4", {}, "Input") : null,
    fieldTable(fields, "Input of " + name),
    make("h4", {}, "Answer"), make("p", {}, answers),
    make("h4", {}, "On the socket"), make("pre", { tabindex: "0" }, JSON.stringify(example)));
}

function sample(root, schema) {
  if (schema.$ref) return sample(root, follow(root, schema.$ref) || {});
  if (schema.enum) return schema.enum[0];
  if (schema.type === "array") return [sample(root, schema.items)];
  return { integer: 12, boolean: true, string: "…" }[schema.type] ?? null;
}

function eventArticle(asyncapi, name, operation) {
  const { properties } = asyncapi.components.messages["event." + name].payload;
  const numbered = "seq" in properties;
  return article("event-" + anchor(name), name, operation.summary, name + " " + operation.summary,
    make("p", { class: "quiet" }, numbered ? "An event: it has a number in its conversation." : "A signal: it has no number."),
    make("p", {}, make("span", { class: "method told" }, "data "), typeOf(properties.data)));
}

function objectArticle(root, name, schema) {
  const fields = fieldsOf(root, schema);
  return article("object-" + anchor(name), name, schema.description, name + " " + (schema.description || ""),
    fields.length ? fieldTable(fields, "Fields of " + name) : make("p", {}, typeOf(schema)));
}

function section(title, articles) {
  return make("section", { "aria-label": title }, make("h2", {}, title), articles);
}

function contents(sections) {
  return sections.flatMap((part) => [
    make("h2", {}, part.getAttribute("aria-label")),
    make("ul", {}, [...part.querySelectorAll("article")].map((entry) =>
      make("li", { "data-for": entry.id }, make("a", { href: "#" + entry.id }, entry.querySelector("h3").textContent)))),
  ]);
}

function filter(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const entry of document.querySelectorAll("article")) {
    const fits = words.every((word) => entry.dataset.words.includes(word));
    entry.hidden = !fits;
    document.querySelector(`li[data-for="${entry.id}"]`).hidden = !fits;
    shown += fits ? 1 : 0;
  }
  for (const part of document.querySelectorAll("section")) part.hidden = !part.querySelector("article:not([hidden])");
  document.getElementById("found").textContent = words.length ? `${shown} found` : "";
}

async function read(address) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  return response.json();
}

async function start() {
  // Beside this page, wherever it is: the server may be below a path of its site.
  const [openapi, asyncapi] = await Promise.all([read("v1/openapi.json"), read("v1/asyncapi.json")]);
  const operations = Object.entries(asyncapi.operations);
  const commands = operations.filter(([, operation]) => operation.action === "receive");
  const routes = restByCommand(openapi, new Set(commands.map(([name]) => name)));
  const topics = new Map();
  for (const [name, operation] of commands) {
    const topic = name.split(".")[0];
    if (!topics.has(topic)) topics.set(topic, []);
    topics.get(topic).push(commandArticle(asyncapi, name, operation, routes.get(name) || []));
  }
  const events = operations
    .filter(([, operation]) => operation.action === "send")
    .map(([key, operation]) => eventArticle(asyncapi, key.replace(/^on\./, ""), operation));
  const schemas = { ...asyncapi.components.schemas, ...openapi.components.schemas };
  const both = { components: { schemas } };
  const objects = Object.keys(schemas).sort().map((name) => objectArticle(both, name, schemas[name]));
  const sections = [
    ...[...topics].map(([topic, articles]) => section(topic, articles)),
    section("events and signals", events),
    section("objects", objects),
  ];
  document.getElementById("content").replaceChildren(...sections);
  document.getElementById("contents").replaceChildren(...contents(sections));
  const field = document.getElementById("filter");
  field.addEventListener("input", () => filter(field.value));
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

start().catch((error) => {
  document.getElementById("state").textContent = `The documents cannot be read (${error.message}).`;
});
