// The widget: what is chosen and seen, and how it is painted. The kernel sends a frame's pictures
// once; all that is done with them happens here.

const HALF_PERIOD = 250; // ms: two flashes a second, below the three that are safe for anyone

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
    this.now = null; // the frame that is seen
    this.mode = "wipe";
    this.share = { wipe: 0.5, blend: 0.5 };
    this.on = { boxes: true, detections: false, target: true, hand: false, keys: false };
    this.confidence = 0.25;
    this.flipped = false;
    this.playing = !window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.camera = new Camera(() => this.redraw());
    this.frames = new Frames(model, (frame) => this.show(frame));
    this.build();
    this.resized = new ResizeObserver(() => this.redraw());
    this.panes().forEach((pane) => this.resized.observe(pane.box));
    this.heard = {
      "change:offered": () => this.listed(model.get("offered").follows),
      "change:chosen": () => this.bars.update(),
      "change:position": () => this.look(model.get("position")),
      "msg:custom": (message, buffers) => this.told(message, buffers),
    };
    for (const [name, hear] of Object.entries(this.heard)) model.on(name, hear);
    this.ticking = setInterval(() => this.tick(), HALF_PERIOD);
    this.listed(false);
  }

  close() {
    for (const [name, hear] of Object.entries(this.heard)) this.model.off(name, hear);
    clearInterval(this.ticking);
    clearTimeout(this.patience);
    cancelAnimationFrame(this.waiting);
    this.resized.disconnect();
    this.frames.show(null);
    this.frames.leave();
    this.beside.leave();
  }

  build() {
    this.main = new Pane("main", this);
    this.second = new Pane("second", this);
    this.beside = new Beside(this);
    this.bars = new Bars(this);
    this.line = node("div", { class: "s2r-line" }, node("span", { class: "s2r-grip" }));
    this.main.box.append(this.line);
    this.info = node("div", { class: "s2r-figures" });
    this.tip = node("div", { class: "s2r-tip", role: "tooltip" });
    const both = node("div", { class: "s2r-both" }, this.main.box, this.second.box);
    const name = { role: "group", "aria-label": "pictures; press ? for the keys" };
    this.stage = node("div", { class: "s2r-stage", tabindex: "0", ...name },
      both, this.beside.box, this.info, this.tip); // prettier-ignore
    const root = { class: "s2r", role: "group", "aria-label": "compare translations" };
    this.root = node("div", root, ...this.bars.rows(this.stage));
    this.root.addEventListener("keydown", (event) => pressed(this, event));
    this.stage.addEventListener("wheel", (event) => this.wheeled(event), { passive: false });
  }

  panes() {
    return [this.main, this.second, this.beside.pane];
  }

  // ---- which frame

  choose(name, value) {
    this.model.set("chosen", { ...this.model.get("chosen"), [name]: value });
    this.model.save_changes();
  }

  listed(follows) {
    // The list is another one: what is at hand of the old one is at other positions.
    this.frames.forget();
    const { count } = this.model.get("offered");
    if (follows && count) this.frames.expect(this.model.get("position"));
    this.look(this.model.get("position"));
    this.beside.listed();
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
    this.bars.update();
    if (!this.model.get("offered").count) return this.show(null);
    clearTimeout(this.patience);
    this.patience = setTimeout(() => this.say("waiting for the kernel; if it never answers, run this cell again"), 700);
    this.frames.want(position);
  }

  told(message, buffers) {
    if (message.frame) this.frames.take({ ...message.frame }, buffers);
    if (message.test) this.beside.take({ ...message.test }, buffers); // copies: all views hear it
    if (message.choice) this.decided(message.choice);
  }

  show(frame) {
    clearTimeout(this.patience);
    this.frames.show(frame);
    this.now = frame;
    this.say(frame ? frame.error ?? unasked(frame, this.on) : "no frame is listed here");
    this.bars.title.textContent = frame?.frame_id ?? "";
    this.info.replaceChildren(
      ...(frame?.figures ?? []).map((figure) =>
        node("span", { title: figure.meaning }, figure.name, node("b", {}, figure.value))),
    );
    this.root.classList.toggle("s2r-rejected", Boolean(frame?.rejected));
    this.redraw();
  }

  decide() {
    if (!this.now || !this.model.get("offered").choose) return;
    const { at, serial, rejected } = this.now;
    this.model.send({ reject: !rejected, at, serial });
  }

  decided(choice) {
    const frame = this.frames.known.get(choice.at);
    if (frame && choice.serial === frame.serial) {
      frame.rejected = choice.rejected;
      if (frame === this.now) this.show(frame);
    }
    const saved = choice.rejected ? "rejected: arms leave it out" : "kept";
    this.say(choice.error || `${choice.frame_id} ${saved} (${choice.count} rejected in all)`);
  }

  say(text) {
    this.bars.status.textContent = text;
  }

  // ---- how it is seen

  turnTo(mode) {
    this.mode = mode;
    this.flipped = false;
    this.redraw();
  }

  toggle(name) {
    this.on[name] = !this.on[name];
    if (name === "detections") this.say(unasked(this.now, this.on));
    this.redraw();
  }

  hold() {
    this.playing = !this.playing;
    this.redraw();
  }

  trust(confidence) {
    this.confidence = confidence;
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

  wheeled(event) {
    // A page that is scrolled past must not be caught: only a widget that was clicked into zooms.
    const pane = this.panes().find((own) => own.box.contains(event.target));
    const meant = event.ctrlKey || this.root.contains(document.activeElement);
    const out = event.deltaY > 0;
    if (!pane || !meant || (out && this.camera.zoom === 1 && !event.ctrlKey)) return;
    event.preventDefault();
    this.camera.magnify(Math.exp(-event.deltaY * 0.0015), pane.share(event));
  }

  pointed(pane, event) {
    const found = pane.pointedAt(event);
    this.tip.hidden = !found;
    if (!found) return;
    this.tip.textContent = found.words;
    const edge = this.stage.getBoundingClientRect();
    this.tip.style.left = `${Math.min(event.clientX - edge.left + 14, edge.width - 180)}px`;
    this.tip.style.top = `${event.clientY - edge.top + 14}px`;
  }

  // ---- painting

  redraw() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = undefined;
      this.bars.update();
      this.beside.update();
      this.paint();
      this.frames.fetchNext(); // what is wanted next must not hold up what is seen now
    });
  }

  paint() {
    const { now: frame, mode, root } = this;
    const usable = Boolean(frame?.original);
    this.stage.classList.toggle("s2r-empty", !usable);
    this.tip.hidden = true;
    if (!usable) return;
    const made = `${frame.translator} · ${frame.style}`;
    this.second.box.hidden = mode !== "side";
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
    this.overlay(frame);
    this.beside.paint(frame);
    this.bars.named(new Set([this.main, this.second].flatMap(({ marked }) =>
      marked.map((own) => own.class)))); // prettier-ignore
    // What is seen, and no longer what was asked for.
    const { at, serial } = frame;
    Object.assign(root.dataset, { mode, zoom: this.camera.zoom.toFixed(2), at, serial });
    root.dispatchEvent(new CustomEvent("s2r-painted")); // for whoever measures how long it took
  }

  arrange(frame) {
    // Wide pictures and what stands beside are of one height, the figures below. Others leave room
    // for the figures under the target; and two of them go beside one another, wide ones do not.
    // Test frames with their boxes and controls take half of the room.
    const aspect = (picture) => picture && picture.width / picture.height;
    const [main, beside] = [aspect(frame.original), aspect(this.beside.picture)];
    const [side, alone, tests] = [this.mode === "side", this.beside.box.hidden, this.beside.on];
    const wide = main > 2.4 || (tests && !alone);
    const below = wide !== side || alone;
    const kinds = { below, alone, judging: tests && !alone, stacked: wide && side };
    for (const [name, on] of Object.entries(kinds)) this.stage.classList.toggle(`s2r-${name}`, on);
    const share = tests ? (side ? 0.7 : 1.2) : below ? (side ? 2 : main / beside) : 2.1;
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
    const colours = this.model.get("colours");
    const marks = this.on.boxes ? labelled(frame, colours) : [];
    const [before, after] = ["original", "translated"].map((side) =>
      this.on.detections ? detected(frame.detections?.[side] ?? [], colours, this.confidence) : [],
    );
    this.main.clear(frame);
    this.second.clear(frame);
    this.main.mark(marks);
    if (mode === "side") {
      this.second.mark(marks);
      this.main.mark(before);
      this.second.mark(after);
      return;
    }
    const left = { wipe: [0, share.wipe], flicker: [0, this.flipped ? 0 : 1] }[mode] ?? [0, 1];
    const right = { wipe: [share.wipe, 1], flicker: [0, this.flipped ? 1 : 0] }[mode] ?? [0, 1];
    const [faint, strong] = mode === "blend" ? [1 - share.blend, share.blend] : [1, 1];
    this.main.mark(before, { within: left, alpha: faint });
    this.main.mark(after, { within: right, alpha: strong });
  }
}
