// Elements, in few words. What comes from data is only ever set as text or attribute.

const SVG = "http://www.w3.org/2000/svg";

function node(tag, attributes, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

function shape(tag, attributes, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function canvasOf(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}

function button(text, title, act) {
  // A sign such as ‹ does not tell what it does; a word is its own name, and `title` explains it.
  const name = /\w/.test(text) ? {} : { "aria-label": title };
  const made = node("button", { type: "button", title, ...name }, text);
  made.addEventListener("click", act);
  return made;
}

function range(name, min, max, step, act) {
  const made = node("input", { type: "range", min, max, step, name, "aria-label": name });
  made.addEventListener("input", () => act(Number(made.value)));
  return made;
}

function select(name, title, act) {
  const made = node("select", { name, "aria-label": title });
  made.addEventListener("change", () => act(made.value));
  return made;
}

function offer(own, names, chosen) {
  // New options only where they differ: a list that is open would close.
  if ([...own.options].map((option) => option.value).join("\n") !== names.join("\n")) {
    own.replaceChildren(...names.map((text) => node("option", { value: text }, text)));
  }
  own.value = chosen;
}

function titled(text, control) {
  return node("label", { class: "s2r-choice" }, node("span", {}, text), control);
}

function group(name, ...children) {
  return node("div", { class: "s2r-group", role: "group", "aria-label": name }, ...children);
}

function press(own, pressed) {
  own.setAttribute("aria-pressed", String(pressed));
}
