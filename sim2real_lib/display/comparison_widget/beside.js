// What stands beside: an image of those that the translator learned from, or the test frames of
// the same weather, which nothing ever learned from, with what a chosen arm finds in them.

const TRAINING = "training frame";
const TESTS = "test frames";

class Beside {
  constructor(view) {
    this.view = view;
    this.pane = new Pane("target", view);
    // Numbered from anywhere: another view of the widget hears the same answers.
    this.wish = { at: 0, number: Math.floor(Math.random() * 2 ** 40) };
    this.source = select("beside", "beside", (value) => this.turn(value));
    this.arm = select("arm", "arm", (value) => this.ask({ arm: value }));
    this.order = select("test order", "sort test frames by", (value) =>
      this.ask({ order: value, at: 0 }),
    );
    this.count = node("output", { class: "s2r-test-count", "aria-live": "polite" });
    this.steps = [
      button("‹", "previous test frame (p)", () => this.step(-1)),
      button("›", "next test frame (n)", () => this.step(1)),
    ];
    this.found = node("div", { class: "s2r-verdicts" });
    this.tests = node("div", { class: "s2r-tests" },
      titled("arm", this.arm), group("test frame", this.steps[0], this.count, this.steps[1]),
      titled("sort by", this.order), this.found); // prettier-ignore
    this.box = node("div", { class: "s2r-beside" }, this.pane.box,
      titled("beside", this.source), this.tests); // prettier-ignore
    this.on = false; // whether test frames stand beside
  }

  get offered() {
    return this.view.model.get("offered").tests;
  }

  get picture() {
    return this.on ? this.now?.picture : this.view.now?.target;
  }

  turn(name = this.on ? TRAINING : TESTS) {
    if (!this.offered) return;
    this.on = name === TESTS;
    this.view.on.target = true;
    if (this.on) this.ask({});
    else this.view.redraw();
  }

  step(by) {
    const at = this.wish.at + by;
    if (this.on && this.now && at >= 0 && at < this.now.count) this.ask({ at });
  }

  nextArm() {
    if (!this.on) return;
    const { arms } = this.offered;
    this.ask({ arm: arms[(arms.indexOf(this.wish.arm) + 1) % arms.length] });
  }

  ask(change) {
    const { style } = this.view.model.get("chosen");
    if (style !== this.wish.style) this.wish.at = 0; // another weather has other test frames
    this.wish = { ...this.wish, ...change, style, number: this.wish.number + 1 };
    const known = this.now?.picture && this.now.frame_id;
    const arm = this.wish.arm ?? this.offered.arms[0];
    this.view.status.wait("test", `judging what ${arm} finds: the first time takes seconds`);
    this.view.model.send({ test: { ...this.wish, known, stay: "arm" in change } });
  }

  listed() {
    if (this.on && this.view.model.get("chosen").style !== this.wish.style) this.ask({});
  }

  async take(test, buffers) {
    const stale = () => this.gone || test.number !== this.wish.number; // else is wanted by now
    if (stale()) return;
    this.view.status.done("test");
    const pictures = await decoded(buffers).catch((error) => this.view.status.say(String(error)));
    if (stale()) return pictures?.forEach((picture) => picture.close());
    if (!test.arm) return this.view.status.say(test.error);
    const before = this.now;
    const same = before?.frame_id === test.frame_id; // only another arm: its picture is here
    test.picture = (same && before.picture) || pictures?.[0];
    if (!same) before?.picture?.close();
    this.now = test;
    Object.assign(this.wish, { at: test.at, arm: test.arm, order: test.order });
    if (test.error) this.view.status.say(test.error);
    this.view.redraw();
  }

  leave() {
    this.gone = true;
    this.now?.picture?.close();
  }

  update() {
    const { offered, on, now } = this;
    this.box.hidden = !this.view.on.target || !(this.picture || on);
    this.source.parentNode.hidden = !offered;
    offer(this.source, [TRAINING, TESTS], on ? TESTS : TRAINING);
    this.tests.hidden = !on || !now;
    if (this.tests.hidden) return;
    offer(this.arm, offered.arms, now.arm);
    offer(this.order, now.orders, now.order);
    this.count.textContent = now.count ? `${now.at + 1} of ${now.count}` : "none";
    this.steps[0].disabled = !(now.at > 0);
    this.steps[1].disabled = !(now.at < now.count - 1);
    this.found.replaceChildren(...this.figures());
  }

  figures() {
    // The legend of the boxes, with how many there are of each.
    const words = { right: "found", false: "false", missed: "missed" };
    const figures = Object.entries(this.offered.looks).map(([verdict, colour]) => {
      const line = shape("svg", { width: 24, height: 8, "aria-hidden": "true" },
        shape("line", { x1: 1, x2: 23, y1: 4, y2: 4, class: "s2r-under" }),
        shape("line", { x1: 1, x2: 23, y1: 4, y2: 4, class: `s2r-box s2r-${verdict}`,
          stroke: colour })); // prettier-ignore
      const many = this.now.marks.filter((own) => own.verdict === verdict).length;
      return node("span", {}, line, `${many} ${words[verdict]}`);
    });
    for (const { name, value, meaning } of this.now.figures) {
      figures.push(node("span", { title: meaning }, `${name} `, node("b", {}, value)));
    }
    return [...figures, node("code", { class: "s2r-test-name" }, this.now.frame_id ?? "")];
  }

  paint(frame) {
    const { picture, pane } = this;
    if (this.box.hidden || !picture) return pane.box.toggleAttribute("hidden", true);
    pane.box.hidden = false;
    const name = this.on ? `test · ${this.now.arm}` : `target · ${frame.style}, training`;
    pane.draw(picture, [name, ""], () => pane.put(picture));
    pane.clear(this.on ? this.now : picture);
    if (this.on) pane.mark(judged(this.now.marks, this.offered.looks));
  }
}
