// One picture's place: a canvas, marks over it, and names in its corners.

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
    else this.view.camera.pan(last[0] - at[0], last[1] - at[1]);
  }

  pointedAt(event) {
    // The smallest mark under the pointer, which lies on top of the others.
    const [left, top] = this.place(event);
    return this.marked
      .filter(({ at: [x, y, w, h] }) => left >= x && left <= x + w && top >= y && top <= y + h)
      .sort((a, b) => a.at[2] * a.at[3] - b.at[2] * b.at[3])[0];
  }

  // ---- the picture

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
    const { scale, left, top } = this.view.camera.seen(this);
    const pen = this.context;
    pen.save();
    pen.globalAlpha = alpha;
    pen.imageSmoothingEnabled = (this.width * scale) / picture.width < 4; // then its own pixels
    pen.imageSmoothingQuality = "high";
    pen.beginPath();
    pen.rect(0, 0, this.width * until, this.height);
    pen.clip();
    pen.drawImage(picture, left, top, this.width * scale, this.height * scale);
    pen.restore();
  }

  // ---- what lies over it

  clear(size) {
    this.size = size; // of the file, whose pixels the marks are in
    this.marked = [];
    this.taken = [];
    this.svg.replaceChildren(hatch(this.hatch));
  }

  mark(marks, { within = [0, 1], alpha = 1 } = {}) {
    const [from, to] = within.map((share) => share * this.width);
    if (to <= from || alpha <= 0) return;
    // A nested picture clips what lies beyond the line.
    const part = shape("svg", { x: from, y: 0, width: to - from, height: this.height,
      viewBox: `${from} 0 ${to - from} ${this.height}`, opacity: alpha }); // prettier-ignore
    const { scale, left, top } = this.view.camera.seen(this);
    const across = (this.width * scale) / this.size.width;
    const down = (this.height * scale) / this.size.height;
    const texts = [];
    for (const own of marks) {
      const [x, y] = [left + own.left * across, top + own.top * down];
      const [width, height] = [(own.right - own.left) * across, (own.bottom - own.top) * down];
      const sides = { x, y, width, height };
      const fill = own.ignore ? `url(#${this.hatch})` : "none";
      part.append(shape("rect", { ...sides, class: `s2r-under ${own.kind}` }));
      part.append(
        shape("rect", { ...sides, class: `s2r-box ${own.kind}`, stroke: own.colour, fill }),
      );
      const at = [x, y, width, height];
      if (x + width > from && x < to) this.marked.push({ ...own, at });
      if (own.name) texts.push(this.text(own, at));
    }
    part.append(...texts.filter(Boolean));
    this.svg.append(part);
  }

  text({ name, under, colour }, [x, y, width, height]) {
    // Not where it would lie over another, or be wider than its box: the pointer tells.
    const wide = 7 * name.length + 8;
    if (wide > width + 24) return null;
    const left = Math.max(0, Math.min(this.width - wide, x));
    const top = under ? Math.min(this.height - 17, y + height) : Math.max(0, y - 17);
    const over = ([x0, y0, w]) => x0 < left + wide && left < x0 + w && Math.abs(y0 - top) < 17;
    if (this.taken.some(over)) return null;
    this.taken.push([left, top, wide]);
    const ink = under ? colour : "#11161d";
    const chip = { x: left, y: top, width: wide, height: 16, rx: 3 };
    return shape("g", {},
      shape("rect", { ...chip, fill: under ? "#11161de6" : colour }),
      shape("text", { x: left + wide / 2, y: top + 12, class: "s2r-said", fill: ink }, name),
    ); // prettier-ignore
  }
}
