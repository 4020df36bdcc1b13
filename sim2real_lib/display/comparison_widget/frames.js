// The frames at hand: the one that is wanted, and its neighbours before they are asked for.

class Frames {
  constructor(model, arrived) {
    this.model = model;
    this.arrived = arrived; // called with the wanted frame
    this.known = new Map(); // position -> frame
    this.asked = new Set(); // positions that the kernel is about to answer
  }

  get serial() {
    return this.model.get("offered").serial;
  }

  want(position) {
    this.wanted = position;
    const known = this.known.get(position);
    if (known) return this.arrived(known);
    // One at a time: while a slider is dragged, an answer asks for what is wanted by then.
    if (this.urgent !== undefined) return;
    this.urgent = position;
    this.ask(position);
  }

  expect(position) {
    // The kernel sends this one unasked, with the list that it is the first of.
    this.wanted = this.urgent = position;
    this.asked.add(position);
  }

  ask(position) {
    if (this.asked.has(position)) return;
    this.asked.add(position);
    this.model.send({ get: position, serial: this.serial });
  }

  async take(frame, buffers) {
    if (frame.serial !== this.serial) return;
    try {
      const pictures = await decoded(buffers);
      [frame.original, frame.translated, frame.target] = pictures;
    } catch (error) {
      frame.error = String(error);
    }
    if (this.gone || frame.serial !== this.serial || this.known.has(frame.at)) return close(frame);
    this.known.set(frame.at, frame);
    this.asked.delete(frame.at);
    if (frame.at === this.urgent) this.urgent = undefined;
    if (frame.at === this.wanted) this.arrived(frame);
    else if (this.known.has(this.wanted)) this.fetchNext();
    else this.want(this.wanted);
  }

  fetchNext() {
    // One neighbour at a time, the next one first; those further away go.
    for (const [at, frame] of this.known) {
      if (Math.abs(at - this.wanted) > 1) this.drop(at, frame);
    }
    if (this.asked.size || !this.known.has(this.wanted)) return;
    const { count } = this.model.get("offered");
    const near = [this.wanted + 1, this.wanted - 1];
    const next = near.find((at) => at >= 0 && at < count && !this.known.has(at));
    if (next !== undefined) this.ask(next);
  }

  show(frame) {
    // What was seen until now may be of a list that is gone.
    if (this.shown && this.known.get(this.shown.at) !== this.shown) close(this.shown);
    this.shown = frame;
  }

  drop(at, frame) {
    if (frame !== this.shown) close(frame);
    this.known.delete(at);
  }

  leave() {
    this.gone = true;
    this.forget();
  }

  forget() {
    for (const [at, frame] of this.known) this.drop(at, frame);
    this.asked.clear();
    this.urgent = undefined;
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
