// The controls around the pictures: what they are, and what they show of the view.

const MODES = {
  wipe: "Wipe",
  blend: "Blend",
  flicker: "Flicker",
  difference: "Difference",
  side: "Side by side",
};
const CHOICES = { style: "weather", translator: "translator", show: "frames", order: "sort by" };

const THUMB = 16; // pixels: of a slider
const DEBOUNCE = 40; // ms that the pointer stays before a frame is fetched

class Bars {
  constructor(view) {
    this.view = view;
    this.selects = Object.fromEntries(
      Object.entries(CHOICES).map(([name, title]) => [
        name, select(name, title, (value) => view.choose(name, value)),
      ]), // prettier-ignore
    );
    this.count = node("output", { class: "s2r-count", "aria-live": "polite" });
    this.steps = [
      button("‹", "previous frame (k)", () => view.step(-1)),
      button("›", "next frame (j)", () => view.step(1)),
    ];
    this.scrub = range("frame", 0, 0, 1, (value) => view.goTo(value));
    this.scrub.addEventListener("pointermove", (event) => this.hover(event));
    this.scrub.addEventListener("pointerleave", () => this.rest(undefined));
    this.reject = button("Reject", "", () => view.decide());
    this.reject.className = "s2r-reject";
    this.modes = Object.fromEntries(
      Object.entries(MODES).map(([name, title], at) => [
        name, button(title, `${title} (${at + 1})`, () => view.turnTo(name)),
      ]), // prettier-ignore
    );
    this.slider = range("wipe", 0, 1, 0.005, (value) => view.slide(value));
    this.play = button("Hold", "hold the flicker (space)", () => view.hold());
    this.legend = legend();
    this.toggles = {
      hand: button("Hand", "drag moves the picture (h)", () => view.toggle("hand")),
      boxes: button("Boxes", "labelled boxes (b)", () => view.toggle("boxes")),
      detections: button("Detections", "what the baseline's detector sees (d)", () =>
        view.toggle("detections")),
      target: button("Target", "target images beside (t)", () => view.toggle("target")),
      keys: button("Keys", "what the keys do (?)", () => view.toggle("keys")),
    }; // prettier-ignore
    this.surest = range("confidence", 0.05, 1, 0.01, (value) => view.trust(value));
    this.above = titled("from", this.surest);
    this.above.append(node("output", {}));
    this.percent = node("output", { class: "s2r-zoom" });
    this.classes = node("div", { class: "s2r-classes" });
    this.title = node("code", { class: "s2r-name" });
    this.help = node("div", { class: "s2r-help" }, ...KEYS.map(([keys, does]) =>
      node("span", {}, node("b", {}, keys), does))); // prettier-ignore
  }

  rows(stage) {
    // Everything in its order on the page, which is the order of the Tab key.
    const { camera, status } = this.view;
    const zooms = [
      button("−", "zoom out (−)", () => camera.magnify(1 / STEP)),
      this.percent,
      button("+", "zoom in (+)", () => camera.magnify(STEP)),
      button("Fit", "the whole picture (0)", () => camera.fit()),
      this.toggles.hand,
    ];
    const { boxes, detections, target } = this.toggles;
    const choices = Object.entries(CHOICES).map(([name, title]) =>
      titled(title, this.selects[name]),
    );
    return [
      bar(...choices, space(), group("frame", this.steps[0], this.count, this.steps[1]),
        this.reject),
      this.scrub,
      bar(group("mode", ...Object.values(this.modes)), this.slider, this.play, this.legend,
        space(), group("zoom", ...zooms)),
      stage,
      bar(group("overlays", boxes, detections, target), this.above, this.classes, status.box,
        this.title, this.toggles.keys),
      this.help,
    ]; // prettier-ignore
  }

  update() {
    const { view } = this;
    const [offered, chosen] = [view.model.get("offered"), view.model.get("chosen")];
    for (const [name, own] of Object.entries(this.selects)) {
      offer(own, offered[name] ?? [], chosen[name]);
    }
    this.place(offered.count, view.position ?? 0);
    this.choice(offered.choose, Boolean(view.now?.rejected));
    for (const [name, own] of Object.entries(this.modes)) press(own, name === view.mode);
    for (const [name, own] of Object.entries(this.toggles)) press(own, view.on[name]);
    const slides = view.mode in view.share;
    this.slider.hidden = !slides;
    if (slides) {
      this.slider.value = view.share[view.mode];
      this.slider.setAttribute("aria-label", view.mode);
    }
    this.play.hidden = view.mode !== "flicker";
    this.play.textContent = view.playing ? "Hold" : "Play";
    this.play.title = `${view.playing ? "hold" : "go on with"} the flicker (space)`;
    this.legend.hidden = view.mode !== "difference";
    this.toggles.detections.hidden = !offered.detections;
    this.above.hidden = !offered.detections || !view.on.detections;
    this.above.lastChild.textContent = `${Math.round(100 * view.confidence)}%`;
    this.surest.value = view.confidence;
    this.toggles.target.hidden = !view.now?.target && !offered.tests;
    this.percent.textContent = `${Math.round(100 * view.camera.zoom)}%`;
    this.help.hidden = !view.on.keys;
  }

  hover(event) {
    // Where the pointer stays, a press would put the middle of the slider's thumb.
    clearTimeout(this.resting);
    if (event.buttons) return;
    const { left, width } = this.scrub.getBoundingClientRect();
    const share = (event.clientX - left - THUMB / 2) / (width - THUMB);
    const position = Math.round(Math.max(0, Math.min(1, share)) * Number(this.scrub.max));
    this.resting = setTimeout(() => this.rest(position), DEBOUNCE);
  }

  rest(position) {
    clearTimeout(this.resting);
    this.over = position;
    this.view.frames.ahead();
  }

  hinted() {
    // Positions that the slider is about to go to: by a press, or by keys of its own.
    if (this.over !== undefined) return [this.over];
    if (!this.scrub.matches(":focus-visible")) return [];
    const [at, last] = [this.view.position, Number(this.scrub.max)];
    const leap = Math.max(1, Math.round(last / 10)); // as browsers do at PageUp and PageDown
    return [Math.min(last, at + leap), Math.max(0, at - leap), last, 0];
  }

  place(count, position) {
    this.count.textContent = count ? `${position + 1} of ${count}` : "none";
    this.steps[0].disabled = !(position > 0);
    this.steps[1].disabled = !(position < count - 1);
    this.scrub.max = Math.max(0, count - 1);
    this.scrub.value = position;
    this.scrub.disabled = count < 2;
  }

  choice(possible, rejected) {
    this.reject.hidden = !possible;
    press(this.reject, rejected);
    this.reject.textContent = rejected ? "Rejected" : "Reject";
    this.reject.title = `${rejected ? "keep it again" : "arms leave this frame out"} (x)`;
  }

  named(classes) {
    // Which colour is which class: of what can be seen in this frame.
    const colours = Object.entries(this.view.model.get("colours"));
    const there = colours.filter(([name]) => classes.has(name));
    const text = there.map(([name]) => name).join();
    if (this.classes.dataset.names === text) return;
    this.classes.dataset.names = text;
    this.classes.replaceChildren(
      ...there.map(([name, colour]) => {
        const chip = node("i", {});
        chip.style.background = colour;
        return node("span", {}, chip, name);
      }),
    );
  }
}

function bar(...children) {
  return node("div", { class: "s2r-bar" }, ...children);
}

function space() {
  return node("span", { class: "s2r-space" });
}
