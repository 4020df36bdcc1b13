// The frames at hand, by their rows in the kernel's table: the one that is wanted, and those that
// are likely to be wanted next, before they are asked for.

const MOST = 12; // frames at hand: with their targets 130 MB of pixels at 1280x720
const LEISURE = 700; // ms that a frame is looked at before it is asked where other choices lead

class Frames {
  constructor(model, arrived, hinted) {
    this.model = model;
    this.arrived = arrived; // called with the wanted frame
    this.hinted = hinted; // positions that the person is about to go to
    this.known = new Map(); // row -> frame
    this.asked = new Set(); // rows that the kernel is about to answer
    this.leads = []; // rows that other choices lead to
  }

  row(position) {
    const listed = this.model.get("listed");
    const there = position >= 0 && 4 * position < listed.byteLength;
    return there ? listed.getUint32(4 * position, true) : undefined;
  }

  place(position) {
    [this.position, this.wanted] = [position, this.row(position)];
  }

  want() {
    const known = this.known.get(this.wanted);
    if (known) return this.arrived(known);
    // One at a time: while a slider is dragged, an answer asks for what is wanted by then.
    if (this.urgent !== undefined) return;
    this.urgent = this.wanted;
    this.ask(this.wanted);
  }

  expect(row) {
    // The kernel sends this one unasked, with the list that it is the first of. Who has moved on
    // by then wants another one.
    this.asked.add(row);
    if (row === this.wanted) this.urgent = row;
  }

  get coming() {
    return [...this.known.keys(), ...this.asked];
  }

  ask(row) {
    if (this.asked.has(row)) return;
    this.asked.add(row);
    this.model.send({ get: row });
  }

  async take(frame, buffers) {
    try {
      const pictures = await decoded(buffers);
      [frame.original, frame.translated, frame.target] = pictures;
    } catch (error) {
      frame.error = String(error);
    }
    this.asked.delete(frame.row);
    if (frame.row === this.urgent) this.urgent = undefined;
    if (this.gone) return close(frame);
    if (this.known.has(frame.row)) close(frame); // asked for and sent unasked: it came twice
    else this.known.set(frame.row, frame);
    if (frame.row === this.wanted) return this.arrived(this.known.get(frame.row));
    if (!this.known.has(this.wanted)) this.want();
    this.ahead();
  }

  ahead() {
    // What is likely to be wanted next, one at a time, the likeliest first; all else goes.
    const near = [...this.hinted(), this.position + 1, this.position - 1].map((at) => this.row(at));
    const wishes = [this.wanted, this.shown?.row, ...near, ...this.leads];
    const kept = new Set(wishes.filter((row) => row !== undefined).slice(0, MOST));
    for (const [row, frame] of this.known) {
      if (!kept.has(row)) this.drop(row, frame);
    }
    if (this.asked.size || !this.known.has(this.wanted)) return;
    const next = [...kept].find((row) => !this.known.has(row));
    if (next !== undefined) this.ask(next);
    else this.lookAround();
  }

  lookAround() {
    const from = `${this.model.get("offered").serial} ${this.wanted}`;
    if (this.around === from) return;
    this.around = from;
    clearTimeout(this.leisure);
    this.leisure = setTimeout(() => this.model.send({ leads: this.wanted }), LEISURE);
  }

  lead(rows) {
    this.leads = rows;
    this.ahead();
  }

  drop(row, frame) {
    close(frame);
    this.known.delete(row);
  }

  leave() {
    this.gone = true;
    clearTimeout(this.leisure);
    for (const [row, frame] of this.known) this.drop(row, frame);
  }
}

function decoded(buffers) {
  // Off the page's own thread. A PNG begins with 0x89.
  return Promise.all(
    buffers.map((bytes) => {
      const isPng = new DataView(bytes.buffer, bytes.byteOffset).getUint8(0) === 0x89;
      return createImageBitmap(new Blob([bytes], { type: isPng ? "image/png" : "image/jpeg" }));
    }),
  );
}

function close(frame) {
  for (const picture of [frame.original, frame.translated, frame.target]) picture?.close();
}
