// The line that says what is the matter.

const PATIENCE = 700; // ms: an answer that comes sooner needs no word

class Status {
  constructor() {
    this.box = node("div", { class: "s2r-status", role: "status" });
    this.said = "";
    this.waits = new Map(); // what is waited for -> its timer, and its text once that is over
  }

  say(text) {
    this.said = text;
    this.show();
  }

  wait(what, text) {
    this.done(what);
    const own = { text: "" };
    const late = () => {
      own.text = text;
      this.show();
    };
    own.timer = setTimeout(late, PATIENCE);
    this.waits.set(what, own);
  }

  done(what) {
    clearTimeout(this.waits.get(what)?.timer);
    this.waits.delete(what);
    this.show();
  }

  leave() {
    for (const what of [...this.waits.keys()]) this.done(what);
  }

  show() {
    const texts = [...this.waits.values()].map(({ text }) => text).filter(Boolean);
    this.box.textContent = texts.join("; ") || this.said;
  }
}
