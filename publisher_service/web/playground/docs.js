// The routes, channels and messages, as openapi.json and asyncapi.json describe them.

const byId = (id) => document.getElementById(id);

function element(name, ...content) {
  const made = document.createElement(name);
  made.append(...content);
  return made;
}

async function described(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.json();
}

/** A type in a few words. */
function typeOf(schema, named) {
  if (schema.$ref?.startsWith("#")) return typeOf(named[schema.$ref.split("/").at(-1)], named);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.type === "array") return `list of ${typeOf(schema.items ?? {}, named)}`;
  if (schema.type) return schema.type;
  return (schema.anyOf ?? []).map((each) => typeOf(each, named)).join(" | ") || "anything";
}

function tableOf(fields) {
  const head = element("tr", ...["name", "type", "meaning"].map((name) => element("th", name)));
  const lines = fields.map(({ name, isRequired, type, meaning }) =>
    element("tr", element("td", element("code", name), isRequired ? "" : " (may be absent)"), element("td", element("code", type)), element("td", meaning ?? "")),
  );
  return element("table", element("thead", head), element("tbody", ...lines));
}

function entry(title, summary, ...content) {
  return element("details", element("summary", element("code", title), ` ${summary ?? ""}`), ...content);
}

function fieldsOf(schema, named) {
  return Object.entries(schema?.properties ?? {}).map(([name, field]) => ({
    name,
    isRequired: schema.required?.includes(name),
    type: typeOf(field, named),
    meaning: field.description,
  }));
}

function showRoutes({ paths, components }) {
  const named = components?.schemas ?? {};
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, route] of Object.entries(methods)) {
      const fields = (route.parameters ?? []).map(({ name, required, schema, description }) => ({
        name, isRequired: required, type: typeOf(schema, named), meaning: description ?? "",
      }));
      byId("routes").append(entry(`${method.toUpperCase()} ${path}`, route.description, ...(fields.length ? [tableOf(fields)] : [])));
    }
  }
}

function showChannels({ info, channels, operations, components }) {
  const named = components.schemas;
  byId("about").textContent = info.description;
  const names = (references) => Object.keys(references).map((name) => components.messages[name].name);
  for (const [name, { address, title, parameters, bindings, messages }] of Object.entries(channels)) {
    const told = Object.values(operations).find(({ channel, bindings: its }) => its?.http && channel.$ref === `#/channels/${name}`);
    const fields = Object.entries(parameters ?? {}).map(([name, field]) => ({
      name, isRequired: true, type: typeOf(field, named), meaning: field.description,
    }));
    fields.push(...fieldsOf(bindings?.ws?.query ?? told?.bindings.http.query, named));
    byId("channels").append(
      entry(`GET ${address}`, title, ...(fields.length ? [tableOf(fields)] : []), element("p", `Messages: ${[...new Set(names(messages))].join(", ")}`)),
    );
  }
  for (const [name, message] of Object.entries(components.messages)) {
    const schema = named[name];
    byId(name.endsWith("ToServer") ? "asked" : "said").append(entry(message.name, message.summary, tableOf(fieldsOf(schema, named))));
  }
}

try {
  const [http, live] = await Promise.all([described("/openapi.json"), described("/asyncapi.json")]);
  showRoutes(http);
  showChannels(live);
} catch (error) {
  byId("problem").textContent = `The descriptions did not come: ${error.message}`;
}
