// Zoom and pan, the same in all panes.

const CLOSEST = 16; // largest zoom

class Camera {
  constructor(moved) {
    this.moved = moved;
    this.zoom = 1;
    this.centre = [0.5, 0.5]; // of what is seen, in shares of the picture
  }

  seen({ width, height }) {
    // Where a picture lies in a pane of this size, and how many times as large.
    const [left, top] = [0.5 - this.centre[0] * this.zoom, 0.5 - this.centre[1] * this.zoom];
    return { scale: this.zoom, left: width * left, top: height * top };
  }

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
    this.moved();
  }
}
