// The widget: what is chosen and seen. The kernel sends a frame's pictures once; all that is done
// with them happens in the browser.

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
    this.frames = new Frames(model, (frame) => this.show(frame), () => this.bars.hinted());
    this.serial = model.get("offered").serial;
    this.build();
    this.resized = new ResizeObserver(() => this.redraw());
    this.panes().forEach((pane) => this.resized.observe(pane.box));
    this.heard = {
      "change:offered": () => this.look(),
      "change:chosen": () => this.bars.update(),
      "change:position": () => this.look(),
      "msg:custom": (message, buffers) => this.told(message, buffers),
    };
    for (const [name, hear] of Object.entries(this.heard)) model.on(name, hear);
    this.ticking = setInterval(() => this.tick(), HALF_PERIOD);
    this.look();
  }

  close() {
    for (const [name, hear] of Object.entries(this.heard)) this.model.off(name, hear);
    clearInterval(this.ticking);
    this.status.leave();
    cancelAnimationFrame(this.waiting);
    this.resized.disconnect();
    this.frames.leave();
    this.beside.leave();
  }

  build() {
    this.main = new Pane("main", this);
    this.second = new Pane("second", this);
    this.beside = new Beside(this);
    this.status = new Status();
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
    this.model.set("have", this.frames.coming);
    this.model.set("chosen", { ...this.model.get("chosen"), [name]: value });
    this.model.save_changes();
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

  look() {
    // List and position come together, and are heard of one after the other.
    const { count, serial, follows } = this.model.get("offered");
    const another = serial !== this.serial;
    this.position = this.model.get("position");
    this.serial = serial;
    this.bars.update();
    if (another) this.beside.listed();
    this.frames.place(this.position);
    if (!count) return this.show(null);
    this.status.wait("frame", "waiting for the kernel; if it never answers, run this cell again");
    if (another && follows !== null) this.frames.expect(follows);
    this.frames.want();
  }

  told(message, buffers) {
    if (message.frame) this.frames.take({ ...message.frame }, buffers);
    if (message.leads) this.frames.lead(message.leads);
    if (message.test) this.beside.take({ ...message.test }, buffers); // copies: all views hear it
    if (message.choice) this.decided(message.choice);
  }

  show(frame) {
    this.status.done("frame");
    this.root.classList.add("s2r-alive"); // a kernel is there
    this.frames.shown = this.now = frame;
    this.seen = { position: this.position, serial: this.serial };
    this.status.say(frame ? frame.error ?? unasked(frame, this.on) : "no frame is listed here");
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
    const { row, rejected } = this.now;
    this.model.send({ reject: !rejected, row });
  }

  decided(choice) {
    const frame = this.frames.known.get(choice.row);
    if (frame) frame.rejected = choice.rejected;
    this.frames.around = undefined; // the list of rejected frames begins elsewhere
    if (frame && frame === this.now) this.show(frame);
    const { error, frame_id, rejected, count } = choice;
    const saved = rejected ? "rejected: arms leave it out" : "kept";
    this.status.say(error || `${frame_id} ${saved} (${count} rejected in all)`);
  }

  // ---- how it is seen

  turnTo(mode) {
    this.mode = mode;
    this.flipped = false;
    this.redraw();
  }

  toggle(name) {
    this.on[name] = !this.on[name];
    if (name === "detections") this.status.say(unasked(this.now, this.on));
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

  redraw() {
    this.waiting ??= requestAnimationFrame(() => {
      this.waiting = undefined;
      this.bars.update();
      this.beside.update();
      paint(this);
      this.frames.ahead(); // what is wanted next must not hold up what is seen now
    });
  }
}
