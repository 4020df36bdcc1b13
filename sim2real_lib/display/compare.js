// The comparison widget's view. The kernel sends a frame's pictures once; all else happens here.
// What comes from data is only ever set as text or attribute.

const MODES = {
  wipe: "Wipe",
  blend: "Blend",
  flicker: "Flicker",
  difference: "Difference",
  side: "Side by side",
};
const CHOICES = { style: "weather", translator: "translator", show: "frames", order: "sort by" };
const HALF_PERIOD = 250; // ms: two changes a second and eye, below what is dangerous to anyone
const STEEPEST = 128; // grey levels of difference that take the ramp's last colour
const CLOSEST = 16; // largest zoom
const SVG = "http://www.w3.org/2000/svg";
// matplotlib's inferno: as dark as the difference is small, in steps that look equal.
const RAMP = ["#000004", "#1b0c41", "#4a0c6b", "#781c6d", "#a52c60", "#cf4446", "#ed6925",
  "#fb9b06", "#f7d13d", "#fcffa4"]; // prettier-ignore
const KEYS = [
  ["j k", "next, previous frame"],
  ["← →", "move the line, blend; pan with the hand"],
  ["1 … 5", "wipe, blend, flicker, difference, side by side"],
  ["+ − 0", "zoom in, out, reset; or the wheel, once clicked into"],
  ["h", "the hand: drag moves the picture; or shift and drag"],
  ["b d t", "boxes, detections, target on and off"],
  ["x", "reject the frame, or keep it again"],
  ["space", "hold or go on flickering"],
];

export default {
  render({ model, el }) {
    const view = new View(model);
    el.append(view.root);
    return () => view.close();
  },
};

class View {
  constructor(model) {
    this.model = model;
    this.frames = new Map(); // position -> frame: the current one and its neighbours
    this.now = null;
    this.mode = "wipe";
    this.share = { wipe: 0.5, blend: 0.5 };
    this.zoom = 1;
    this.centre = [0.5, 0.5]; // of what is seen, in shares of the picture
    this.on = { boxes: true, detections: false, target: true, hand: false, keys: false };
    this.confidence = 0.25;
    this.flipped = false;
    this.playing = !window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.build();
    this.resized = new ResizeObserver(() => this.redraw());
    this.panes().forEach((pane) => this.resized.observe(pane.box));
    this.heard = {
      "change:offered": () => this.listed(),
      "change:chosen": () => this.controls(),
      "change:position": () => this.look(this.model.get("position")),
      "msg:custom": (message, buffers) => this.told(message, buffers),
    };
    for (const [name, hear] of Object.entries(this.heard)) model.on(name, hear);
    this.ticking = setInterval(() => this.tick(), HALF_PERIOD);
    this.listed();
  }

  close() {
    for (const [name, hear] of Object.entries(this.heard)) this.model.off(name, hear);
    clearInterval(this.ticking);
    this.resized.disconnect();
    this.forget();
  }

  // ---- what it is made of

  build() {
    this.root = node("div", { class: "s2r", role: "group", "aria-label": "compare translations" });
    this.selects = {};
    const choices = Object.entries(CHOICES).map(([name, title]) => {
      this.selects[name] = node("select", { "aria-label": title, name });
      const chosen = () => this.choose(name, this.selects[name].value);
      this.selects[name].addEventListener("change", chosen);
      return node("label", { class: "s2r-choice" }, node("span", {}, title), this.selects[name]);
    });
    this.count = node("output", { class: "s2r-count", "aria-live": "polite" });
    this.reject = button("Reject", "arms leave this frame out (x)", () => this.decide());
    this.reject.className = "s2r-reject";
    this.steps = [
      button("‹", "previous frame (k)", () => this.step(-1)),
      button("›", "next frame (j)", () => this.step(1)),
    ];
    this.scrub = range("frame", 0, 0, 1, (value) => this.goTo(value));
    this.modes = Object.fromEntries(
      Object.entries(MODES).map(([name, title], at) => [
        name, button(title, `${title} (${at + 1})`, () => this.turnTo(name)),
      ]), // prettier-ignore
    );
    this.slider = range("wipe", 0, 1, 0.005, (value) => this.slide(value));
    this.play = button("Hold", "hold the flicker (space)", () => this.hold());
    this.legend = legend();
    this.toggles = {
      hand: button("Hand", "drag moves the picture (h)", () => this.toggle("hand")),
      boxes: button("Boxes", "labelled boxes (b)", () => this.toggle("boxes")),
      detections: button("Detections", "what a detector sees (d)", () => this.toggle("detections")),
      target: button("Target", "target image beside (t)", () => this.toggle("target")),
      keys: button("Keys", "what the keys do (?)", () => this.toggle("keys")),
    };
    this.surest = range("confidence", 0.05, 1, 0.01, (value) => {
      this.confidence = value;
      this.redraw();
    });
    this.percent = node("output", { class: "s2r-zoom" });
    this.above = node("label", { class: "s2r-above" }, node("span", {}, "from"), this.surest,
      node("output", {})); // prettier-ignore
    const zooms = [
      button("−", "zoom out (−)", () => this.magnify(1 / 1.5)),
      this.percent,
      button("+", "zoom in (+)", () => this.magnify(1.5)),
      button("Fit", "the whole picture (0)", () => this.fit()),
      this.toggles.hand,
    ];
    this.main = new Pane("main", this);
    this.second = new Pane("second", this);
    this.target = new Pane("target", this);
    this.line = node("div", { class: "s2r-line" }, node("span", { class: "s2r-grip" }));
    this.main.box.append(this.line);
    this.info = node("div", { class: "s2r-figures" });
    this.status = node("div", { class: "s2r-status", role: "status" });
    this.title = node("code", { class: "s2r-name" });
    this.classes = node("div", { class: "s2r-classes" });
    this.tip = node("div", { class: "s2r-tip", role: "tooltip" });
    this.stage = node("div", { class: "s2r-stage", tabindex: "0", role: "group",
      "aria-label": "pictures; press ? for the keys" },
      node("div", { class: "s2r-both" }, this.main.box, this.second.box), this.target.box,
      this.info, this.tip,
    ); // prettier-ignore
    const keys = KEYS.map(([key, what]) => node("span", {}, node("b", {}, key), what));
    this.help = node("div", { class: "s2r-help" }, ...keys);
    this.root.append(
      node("div", { class: "s2r-bar" }, ...choices, node("span", { class: "s2r-space" }),
        group("frame", this.steps[0], this.count, this.steps[1]), this.reject),
      this.scrub,
      node("div", { class: "s2r-bar" },
        group("mode", ...Object.values(this.modes)), this.slider, this.play, this.legend.box,
        node("span", { class: "s2r-space" }), group("zoom", ...zooms)),
      this.stage,
      node("div", { class: "s2r-bar s2r-foot" },
        group("overlays", this.toggles.boxes, this.toggles.detections, this.toggles.target),
        this.above, this.classes, this.status, this.title, this.toggles.keys),
      this.help,
    ); // prettier-ignore
    this.root.addEventListener("keydown", (event) => this.pressed(event));
    this.stage.addEventListener("wheel", (event) => this.wheeled(event), { passive: false });
  }

  panes() {
    return [this.main, this.second, this.target];
  }

  // ---- frames

  choose(name, value) {
    this.model.set("chosen", { ...this.model.get("chosen"), [name]: value });
    this.model.save_changes();
  }

  listed() {
    // The list is another one: what is remembered of the old one is at other positions.
    this.forget();
    this.controls();
    this.look(this.model.get("position"));
  }

  step(by) {
    this.goTo(this.position + by);
  }

  goTo(position) {
    const last = this.model.get("offered").count - 1;
    const wanted = Math.max(0, Math.min(last, position));
    if (wanted === this.position || last < 0) return;
    this.model.set("position", wanted); // which looks at it, too
    this.model.save_changes();
  }

  look(position) {
    this.position = position;
    this.controls();
    if (!this.model.get("offered").count) return this.show(null);
    const known = this.frames.get(position);
    if (known) this.show(known);
    else this.ask(position);
  }

  ask(position) {
    if (this.asked !== undefined) return; // one at a time: an answer asks for what is then wanted
    this.asked = position;
    this.model.send({ get: position, serial: this.model.get("offered").serial });
    if (position !== this.position) return; // nobody waits for a neighbour
    this.patience = setTimeout(() => this.say("waiting for the kernel …"), 700);
  }

  async told(message, buffers) {
    const { serial } = this.model.get("offered");
    if (message.choice) return this.decided(message.choice, serial);
    if (!message.frame || message.frame.serial !== serial) return;
    const frame = message.frame;
    const blobs = buffers.map((bytes) => new Blob([bytes], { type: "image/jpeg" }));
    let pictures = [];
    try {
      pictures = await Promise.all(blobs.map((blob) => createImageBitmap(blob)));
    } catch (error) {
      frame.error = String(error);
    }
    [frame.original, frame.translated, frame.target] = pictures;
    if (this.frames.has(frame.at) || serial !== this.model.get("offered").serial) {
      pictures.forEach((picture) => picture.close());
      return;
    }
    this.frames.set(frame.at, frame);
    this.asked = undefined;
    clearTimeout(this.patience);
    if (frame.at === this.position) this.show(frame);
    else if (!this.frames.has(this.position)) this.ask(this.position);
    else this.fetchNext();
  }

  fetchNext() {
    // The neighbours come before they are asked for; those further away go.
    for (const [at, frame] of this.frames) {
      if (Math.abs(at - this.position) > 1) this.drop(at, frame);
    }
    const { count } = this.model.get("offered");
    const near = [this.position + 1, this.position - 1];
    const next = near.find((at) => at >= 0 && at < count && !this.frames.has(at));
    if (next !== undefined) this.ask(next);
  }

  drop(at, frame) {
    for (const picture of [frame.original, frame.translated, frame.target]) picture?.close();
    this.frames.delete(at);
  }

  forget() {
    clearTimeout(this.patience);
    for (const [at, frame] of this.frames) this.drop(at, frame);
    this.now = null;
    this.asked = undefined;
  }

  show(frame) {
    this.now = frame;
    this.say(frame ? frame.error ?? "" : "no frame is listed here");
    this.title.textContent = frame?.frame_id ?? "";
    this.info.replaceChildren(
      ...(frame?.figures ?? []).map((figure) =>
        node("span", { title: figure.meaning }, figure.name, node("b", {}, figure.value))),
    );
    this.root.classList.toggle("s2r-rejected", Boolean(frame?.rejected));
    this.controls();
    this.redraw();
    if (frame) this.fetchNext();
  }

  decide() {
    if (!this.now || !this.model.get("offered").choose) return;
    const { at, serial, rejected } = this.now;
    this.model.send({ reject: !rejected, at, serial });
  }

  decided(choice, serial) {
    const frame = this.frames.get(choice.at);
    if (!frame || choice.serial !== serial) return;
    frame.rejected = choice.rejected;
    if (frame === this.now) this.show(frame);
    const saved = choice.rejected ? "rejected: arms leave it out" : "kept";
    this.say(choice.error || `${saved} (${choice.count} rejected in all)`);
  }

  say(text) {
    this.status.textContent = text;
  }

  // ---- controls

  controls() {
    const [offered, chosen] = [this.model.get("offered"), this.model.get("chosen")];
    for (const [name, select] of Object.entries(this.selects)) {
      const names = offered[name] ?? [];
      if ([...select.options].map((own) => own.value).join("\n") !== names.join("\n")) {
        select.replaceChildren(...names.map((text) => node("option", { value: text }, text)));
      }
      select.value = chosen[name];
    }
    const { count } = offered;
    this.count.textContent = count ? `${(this.position ?? 0) + 1} of ${count}` : "none";
    this.steps[0].disabled = !(this.position > 0);
    this.steps[1].disabled = !(this.position < count - 1);
    this.scrub.max = Math.max(0, count - 1);
    this.scrub.value = this.position ?? 0;
    this.scrub.disabled = count < 2;
    this.reject.hidden = !offered.choose;
    press(this.reject, Boolean(this.now?.rejected));
    this.reject.textContent = this.now?.rejected ? "Rejected" : "Reject";
    this.reject.title = `${this.now?.rejected ? "keep it again" : "arms leave it out"} (x)`;
    for (const [name, own] of Object.entries(this.modes)) press(own, name === this.mode);
    for (const [name, own] of Object.entries(this.toggles)) press(own, this.on[name]);
    const slides = this.mode in this.share;
    this.slider.hidden = !slides;
    if (slides) {
      this.slider.value = this.share[this.mode];
      this.slider.setAttribute("aria-label", this.mode);
    }
    this.play.hidden = this.mode !== "flicker";
    this.play.textContent = this.playing ? "Hold" : "Play";
    this.legend.box.hidden = this.mode !== "difference";
    this.toggles.detections.hidden = !offered.detections;
    this.above.hidden = !offered.detections || !this.on.detections;
    this.above.lastChild.textContent = `${Math.round(100 * this.confidence)}%`;
    this.surest.value = this.confidence;
    this.toggles.target.hidden = !this.now?.target;
    this.percent.textContent = `${Math.round(100 * this.zoom)}%`;
    this.help.hidden = !this.on.keys;
    Object.assign(this.root.dataset, { mode: this.mode, zoom: this.zoom.toFixed(2) });
  }

  turnTo(mode) {
    this.mode = mode;
    this.flipped = false;
    this.redraw();
  }

  toggle(name) {
    this.on[name] = !this.on[name];
    this.redraw();
  }

  hold() {
    this.playing = !this.playing;
    this.redraw();
  }

  tick() {
    if (this.mode !== "flicker" || !this.playing || !this.now || document.hidden) return;
    this.flipped = !this.flipped;
    this.redraw();
  }

  slide(value) {
    this.share[this.mode] = Math.max(0, Math.min(1, value));
    this.redraw();
  }

  pressed(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    // JupyterLab's own shortcuts would cut the cell at "x" and leave it at "j".
    if (event.key !== "Tab" && event.key !== "Escape") event.stopPropagation();
    const { tagName, type } = event.target;
    const steps = event.key.startsWith("Arrow") || event.key.startsWith("Page");
    const typed = event.key === " " || event.key === "Enter";
    if (tagName === "SELECT" || (type === "range" && steps) || (tagName === "BUTTON" && typed)) {
      return; // the browser's own meaning
    }
    const act = this.meaning(event.key, event.shiftKey);
    if (!act) return;
    event.preventDefault();
    act();
  }

  meaning(key, fast) {
    const number = Object.keys(MODES)[Number(key) - 1];
    if (number) return () => this.turnTo(number);
    const by = fast ? 0.1 : 0.02;
    const arrows = { Left: [-1, 0], Right: [1, 0], Up: [0, -1], Down: [0, 1] };
    const arrow = arrows[key.replace("Arrow", "")];
    if (arrow && this.on.hand) return () => this.pan(arrow[0] * 0.1, arrow[1] * 0.1);
    if (arrow && arrow[0] && this.mode in this.share) {
      return () => this.slide(this.share[this.mode] + arrow[0] * by);
    }
    return {
      j: () => this.step(1), PageDown: () => this.step(1),
      k: () => this.step(-1), PageUp: () => this.step(-1),
      x: () => this.decide(),
      b: () => this.toggle("boxes"), d: () => this.toggle("detections"),
      t: () => this.toggle("target"), h: () => this.toggle("hand"), "?": () => this.toggle("keys"),
      "+": () => this.magnify(1.5), "=": () => this.magnify(1.5), "-": () => this.magnify(1 / 1.5),
      0: () => this.fit(),
      " ": this.mode === "flicker" && (() => this.hold()),
    }[key]; // prettier-ignore
  }

  // ---- zoom and pan, the same in all panes

  fit() {
    this.zoom = 1;
    this.pan(0, 0);
  }

  magnify(by, at = [0.5, 0.5]) {
    // What lies under `at`, in shares of the pane, stays there.
    const before = this.zoom;
    this.zoom = Math.max(1, Math.min(CLOSEST, before * by));
    const moved = at.map((place) => (place - 0.5) * (1 / before - 1 / this.zoom));
    this.centre = this.centre.map((place, axis) => place + moved[axis]);
    this.pan(0, 0);
  }

  pan(right, down) {
    // In shares of what is seen.
    const margin = 0.5 / this.zoom;
    this.centre = [right, down].map((by, axis) =>
      Math.max(margin, Math.min(1 - margin, this.centre[axis] + by / this.zoom)),
    );
    this.redraw();
  }

  wheeled(event) {
    // A page that is scrolled past must not be caught: only a widget that was clicked into zooms.
    const pane = this.panes().find((own) => own.box.contains(event.target));
    const meant = event.ctrlKey || this.root.contains(document.activeElement);
    const out = event.deltaY > 0;
    if (!pane || !meant || (out && this.zoom === 1 && !event.ctrlKey)) return;
    event.preventDefault();
    this.magnify(Math.exp(-event.deltaY * 0.0015), pane.share(event));
  }

  // ---- drawing

  redraw() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = undefined;
      this.controls();
      this.paint();
    });
  }

  paint() {
    const { now: frame, mode } = this;
    const usable = Boolean(frame?.original);
    this.stage.classList.toggle("s2r-empty", !usable);
    this.tip.hidden = true;
    if (!usable) return;
    const made = `${frame.translator} · ${frame.style}`;
    this.second.box.hidden = mode !== "side";
    this.target.box.hidden = !frame.target || !this.on.target;
    this.arrange(frame);
    this.stage.style.cursor = this.on.hand ? "grab" : "";
    this.line.hidden = mode !== "wipe";
    this.line.style.left = `${100 * this.share.wipe}%`;
    const names = {
      wipe: ["original", made],
      blend: ["original", made],
      flicker: this.flipped ? ["", made] : ["original", ""],
      difference: ["", `original − ${made}`],
      side: ["original", ""],
    }[mode];
    this.main.draw(frame.original, names, (pane) => this.compose(pane, frame));
    if (mode === "side") {
      this.second.draw(frame.translated, [made, ""], (pane) => pane.put(frame.translated));
    }
    if (!this.target.box.hidden) {
      const name = `target · ${frame.style}`;
      this.target.draw(frame.target, [name, ""], (pane) => pane.put(frame.target));
    }
    this.overlay(frame);
    this.named(frame);
    this.root.dataset.at = frame.at; // what is seen, and no longer what was asked for
  }

  arrange(frame) {
    // Wide pictures and their target are of one height, the figures below. Others leave room for
    // the figures under the target; and two of them go beside one another, wide ones do not.
    const aspect = (picture) => picture && picture.width / picture.height;
    const [main, beside] = [aspect(frame.original), aspect(frame.target)];
    const [wide, side] = [main > 2.4, this.mode === "side"];
    const below = wide !== side || this.target.box.hidden;
    this.stage.classList.toggle("s2r-below", below);
    this.stage.classList.toggle("s2r-alone", this.target.box.hidden);
    this.stage.classList.toggle("s2r-stacked", wide && side);
    const share = below ? (side ? 2 : main / beside) : 2.1;
    this.stage.style.setProperty("--main", `${share || 1}fr`);
  }

  compose(pane, frame) {
    const { original, translated } = frame;
    if (this.mode === "difference") return pane.put((frame.heat ??= heat(original, translated)));
    if (this.mode === "flicker") return pane.put(this.flipped ? translated : original);
    if (this.mode === "side") return pane.put(original);
    if (this.mode === "blend") {
      pane.put(original);
      return pane.put(translated, { alpha: this.share.blend });
    }
    pane.put(translated);
    pane.put(original, { until: this.share.wipe });
  }

  overlay(frame) {
    const { mode, share } = this;
    const marks = this.on.boxes ? shown(frame.boxes, frame) : [];
    const seen = (side) =>
      this.on.detections
        ? frame.detections[side].filter((own) => own.confidence >= this.confidence)
        : [];
    const [before, after] = [seen("original"), seen("translated")];
    this.main.clear(frame);
    this.main.mark(marks);
    if (mode === "side") {
      this.second.clear(frame);
      this.second.mark(marks);
      this.main.mark(before, { found: true });
      this.second.mark(after, { found: true });
    } else {
      const left = { wipe: [0, share.wipe], flicker: [0, this.flipped ? 0 : 1] }[mode] ?? [0, 1];
      const right = { wipe: [share.wipe, 1], flicker: [0, this.flipped ? 1 : 0] }[mode] ?? [0, 1];
      const [faint, strong] = mode === "blend" ? [1 - share.blend, share.blend] : [1, 1];
      this.main.mark(before, { found: true, within: left, alpha: faint });
      this.main.mark(after, { found: true, within: right, alpha: strong });
    }
  }

  named(frame) {
    // Which colour is which class: of what can be seen in this frame.
    const there = new Set(this.panes().flatMap((pane) => pane.marked.map((own) => own.class)));
    const colours = Object.entries(this.model.get("colours")).filter(([name]) => there.has(name));
    const text = colours.map(([name]) => name).join();
    if (this.classes.dataset.names === text) return;
    this.classes.dataset.names = text;
    this.classes.replaceChildren(
      ...colours.map(([name, colour]) => {
        const chip = node("i", {});
        chip.style.background = colour;
        return node("span", {}, chip, name);
      }),
    );
  }

  pointed(pane, event) {
    // What a box under the pointer is: the smallest, which lies on top of the others.
    const found = pane.marked
      .filter(({ at: [x, y, w, h] }) => {
        const [left, top] = pane.place(event);
        return left >= x && left <= x + w && top >= y && top <= y + h;
      })
      .sort((a, b) => a.at[2] * a.at[3] - b.at[2] * b.at[3])[0];
    this.tip.hidden = !found;
    if (!found) return;
    this.tip.textContent = words(found);
    const edge = this.stage.getBoundingClientRect();
    this.tip.style.left = `${Math.min(event.clientX - edge.left + 14, edge.width - 180)}px`;
    this.tip.style.top = `${event.clientY - edge.top + 14}px`;
  }
}

// One picture's place: a canvas, boxes over it, and a name.
class Pane {
  constructor(name, view) {
    this.view = view;
    this.marked = [];
    this.hatch = `s2r-hatch-${Math.random().toString(36).slice(2)}`;
    this.canvas = node("canvas", {});
    this.context = this.canvas.getContext("2d");
    this.svg = shape("svg", { class: "s2r-marks", "aria-hidden": "true" });
    this.names = [node("span", { class: "s2r-left" }), node("span", { class: "s2r-right" })];
    this.box = node("div", { class: `s2r-pane s2r-${name}` }, this.canvas, this.svg, ...this.names);
    const drag = (event) => this.dragged(event);
    this.box.addEventListener("pointerdown", (event) => this.grabbed(event));
    this.box.addEventListener("pointermove", drag);
    this.box.addEventListener("pointerleave", () => (view.tip.hidden = true));
    for (const end of ["pointerup", "pointercancel"]) {
      this.box.addEventListener(end, () => (this.drag = undefined));
    }
  }

  place(event) {
    const edge = this.box.getBoundingClientRect();
    return [event.clientX - edge.left, event.clientY - edge.top];
  }

  share(event) {
    return [this.place(event)[0] / this.width, this.place(event)[1] / this.height];
  }

  grabbed(event) {
    if (event.button > 1) return;
    event.preventDefault(); // which would select text, and leave the keys to the notebook
    this.view.stage.focus({ preventScroll: true });
    this.box.setPointerCapture(event.pointerId);
    const moves = this.view.on.hand || event.shiftKey || event.button === 1;
    const wipes = this.view.mode === "wipe" && this === this.view.main && !moves;
    this.drag = { wipes, last: this.share(event) };
    if (wipes) this.view.slide(this.share(event)[0]);
  }

  dragged(event) {
    if (!this.drag) return this.view.pointed(this, event);
    const [at, last] = [this.share(event), this.drag.last];
    this.drag.last = at;
    if (this.drag.wipes) this.view.slide(at[0]);
    else this.view.pan(last[0] - at[0], last[1] - at[1]);
  }

  draw(picture, names, compose) {
    this.box.style.aspectRatio = `${picture.width} / ${picture.height}`;
    const sharp = window.devicePixelRatio || 1;
    [this.width, this.height] = [this.box.clientWidth, this.box.clientHeight];
    const [wide, high] = [Math.round(this.width * sharp), Math.round(this.height * sharp)];
    if (this.canvas.width !== wide || this.canvas.height !== high) {
      [this.canvas.width, this.canvas.height] = [wide, high];
    }
    this.context.setTransform(sharp, 0, 0, sharp, 0, 0);
    compose(this);
    this.names.forEach((own, at) => {
      own.textContent = names[at];
      own.hidden = !names[at];
    });
  }

  put(picture, { alpha = 1, until = 1 } = {}) {
    const { zoom, centre } = this.view;
    const pen = this.context;
    pen.save();
    pen.globalAlpha = alpha;
    pen.imageSmoothingEnabled = (this.width * zoom) / picture.width < 4; // then its own pixels
    pen.imageSmoothingQuality = "high";
    pen.beginPath();
    pen.rect(0, 0, this.width * until, this.height);
    pen.clip();
    const [wide, high] = [this.width * zoom, this.height * zoom];
    pen.drawImage(picture, this.width / 2 - centre[0] * wide, this.height / 2 - centre[1] * high,
      wide, high); // prettier-ignore
    pen.restore();
  }

  clear(frame) {
    this.frame = frame;
    this.marked = [];
    this.svg.replaceChildren(hatch(this.hatch));
    this.taken = [];
  }

  mark(boxes, { found = false, within = [0, 1], alpha = 1 } = {}) {
    const { zoom, centre, model } = this.view;
    const [from, to] = within.map((share) => share * this.width);
    if (to <= from || alpha <= 0) return;
    // A nested picture clips what lies beyond the line.
    const part = shape("svg", { x: from, y: 0, width: to - from, height: this.height,
      viewBox: `${from} 0 ${to - from} ${this.height}`, opacity: alpha }); // prettier-ignore
    const [wide, high] = [this.width * zoom, this.height * zoom];
    const scale = [wide / this.frame.width, high / this.frame.height];
    const origin = [this.width / 2 - centre[0] * wide, this.height / 2 - centre[1] * high];
    const texts = [];
    for (const own of boxes) {
      const at = [origin[0] + own.left * scale[0], origin[1] + own.top * scale[1],
        (own.right - own.left) * scale[0], (own.bottom - own.top) * scale[1]]; // prettier-ignore
      const colour = own.ignore ? "#8a94a3" : model.get("colours")[own.class];
      const label = own.ignore ? "s2r-ignored" : own.occluded ? "s2r-hidden" : "";
      const kind = found ? "s2r-found" : label;
      const [x, y, width, height] = at;
      const sides = { x, y, width, height };
      part.append(shape("rect", { ...sides, class: `s2r-under ${kind}` }));
      const fill = own.ignore ? `url(#${this.hatch})` : "none";
      part.append(shape("rect", { ...sides, class: `s2r-box ${kind}`, stroke: colour, fill }));
      if (x + width > from && x < to) this.marked.push({ ...own, at, found });
      if (!own.ignore) texts.push(this.text(own, at, colour, found));
    }
    part.append(...texts.filter(Boolean));
    this.svg.append(part);
  }

  text(own, [x, y, width, height], colour, found) {
    // Not where it would lie over another, or be wider than its box: the pointer tells.
    const said = found ? `${own.class} ${Math.round(100 * own.confidence)}%` : own.class;
    const wide = 7 * said.length + 8;
    if (wide > width + 24) return null;
    const left = Math.max(0, Math.min(this.width - wide, x));
    const top = found ? Math.min(this.height - 17, y + height) : Math.max(0, y - 17);
    const over = ([x0, y0, w]) => x0 < left + wide && left < x0 + w && Math.abs(y0 - top) < 17;
    if (this.taken.some(over)) return null;
    this.taken.push([left, top, wide]);
    const chip = { x: left, y: top, width: wide, height: 16, rx: 3 };
    const made = shape("text", { x: left + wide / 2, y: top + 12, class: "s2r-said",
      fill: found ? colour : "#11161d" }); // prettier-ignore
    made.textContent = said;
    const both = shape("g", {});
    both.append(shape("rect", { ...chip, fill: found ? "#11161de6" : colour }), made);
    return both;
  }
}

function shown(boxes, frame) {
  // As drawn in stills: the largest first, without ignored areas too low to be looked at.
  const area = (own) => (own.right - own.left) * (own.bottom - own.top);
  const low = (own) => own.ignore && own.bottom - own.top < frame.lowest * frame.height;
  return boxes.filter((own) => !low(own)).sort((a, b) => area(b) - area(a));
}

function words(own) {
  if (own.found) return `detected: ${own.class}, ${Math.round(100 * own.confidence)}% sure`;
  if (own.ignore) return `${own.class}: not judged`;
  if (own.occlusion !== null) return `${own.class}, ${Math.round(100 * own.occlusion)}% occluded`;
  const known = { true: "partly occluded", false: "fully visible" }[own.occluded];
  return `${own.class}, ${known ?? "occlusion unknown"}`;
}

function heat(original, translated) {
  // |difference of luminance| of each pixel, Rec. 709 weights, through the ramp.
  const { width, height } = original;
  const [before, after] = [original, translated].map((picture) => {
    const pen = canvasOf(width, height).getContext("2d", { willReadFrequently: true });
    pen.drawImage(picture, 0, 0, width, height);
    return pen.getImageData(0, 0, width, height).data;
  });
  const [made, colours] = [canvasOf(width, height), ramp()];
  const pen = made.getContext("2d");
  const image = pen.createImageData(width, height);
  const out = new Uint32Array(image.data.buffer);
  for (let at = 0, byte = 0; at < out.length; at += 1, byte += 4) {
    const difference = 0.2126 * (before[byte] - after[byte]) +
      0.7152 * (before[byte + 1] - after[byte + 1]) +
      0.0722 * (before[byte + 2] - after[byte + 2]); // prettier-ignore
    out[at] = colours[Math.min(255, (Math.abs(difference) * 255) / STEEPEST) | 0];
  }
  pen.putImageData(image, 0, 0);
  return made;
}

function ramp() {
  // 256 colours as the little-endian words of RGBA pixels.
  const stops = RAMP.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  return Uint32Array.from({ length: 256 }, (_, at) => {
    const place = (at / 255) * (stops.length - 1);
    const first = Math.min(stops.length - 2, Math.floor(place));
    const [from, to] = [stops[first], stops[first + 1]];
    const mix = (part) => Math.round(from[part] + (to[part] - from[part]) * (place - first));
    return (0xff000000 | (mix(2) << 16) | (mix(1) << 8) | mix(0)) >>> 0;
  });
}

function legend() {
  const bar = node("i", {});
  bar.style.background = `linear-gradient(to right, ${RAMP.join(", ")})`;
  const ends = [node("span", {}, "0"), node("span", {}, `${STEEPEST}+ grey levels apart`)];
  return { box: node("div", { class: "s2r-legend" }, ends[0], bar, ends[1]) };
}

function canvasOf(width, height) {
  return Object.assign(document.createElement("canvas"), { width, height });
}

function node(tag, attributes, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function hatch(id) {
  const [all, own] = [shape("defs", {}), shape("pattern", { id, width: 8, height: 8,
    patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" })]; // prettier-ignore
  own.append(shape("line", { x1: 0, y1: 0, x2: 0, y2: 8, stroke: "#c3cad4", "stroke-width": 2 }));
  all.append(own);
  return all;
}

function button(text, title, act) {
  const made = node("button", { type: "button", title, "aria-label": title }, text);
  made.addEventListener("click", act);
  return made;
}

function range(name, min, max, step, act) {
  const made = node("input", { type: "range", min, max, step, name, "aria-label": name });
  made.addEventListener("input", () => act(Number(made.value)));
  return made;
}

function group(name, ...children) {
  return node("div", { class: "s2r-group", role: "group", "aria-label": name }, ...children);
}

function press(own, pressed) {
  own.setAttribute("aria-pressed", String(pressed));
}
