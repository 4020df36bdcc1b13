// What the keys do, anywhere in the widget but where a control has its own use for them.

const STEP = 1.5; // zoom in, zoom out
const ONCE = "xbdthr? "; // switches: a key held down does not turn them on and off
const KEYS = [
  ["j k", "next, previous frame"],
  ["← →", "move the line, blend; pan with the hand"],
  ["1 … 5", "wipe, blend, flicker, difference, side by side"],
  ["+ − 0", "zoom in, out, reset; or the wheel, once clicked into"],
  ["h", "the hand: drag moves the picture; or shift and drag"],
  ["b d t", "boxes, detections, target on and off"],
  ["x", "reject the frame, or keep it again"],
  ["space", "hold or go on flickering"],
  ["r", "beside: a training frame, or test frames and what an arm finds"],
  ["n p a", "next, previous test frame; next arm"],
  ["?", "these keys"],
];

function pressed(view, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  // JupyterLab's own shortcuts would cut the cell at "x" and leave it at "j".
  if (event.key !== "Tab" && event.key !== "Escape") event.stopPropagation();
  const { tagName, type } = event.target;
  const steps = /^(Arrow|Page|Home|End)/.test(event.key);
  const typed = event.key === " " || event.key === "Enter";
  if (tagName === "SELECT" || (type === "range" && steps) || (tagName === "BUTTON" && typed)) {
    return; // the browser's own meaning
  }
  const act = meaning(view, event.key, event.shiftKey);
  if (!act) return;
  event.preventDefault();
  if (!(event.repeat && ONCE.includes(event.key))) act();
}

function meaning(view, key, fast) {
  const { camera, beside } = view;
  const mode = Object.keys(MODES)[Number(key) - 1];
  if (mode) return () => view.turnTo(mode);
  const arrows = { Left: [-1, 0], Right: [1, 0], Up: [0, -1], Down: [0, 1] };
  const arrow = arrows[key.replace("Arrow", "")];
  if (arrow && view.on.hand) return () => camera.pan(arrow[0] * 0.1, arrow[1] * 0.1);
  if (arrow && arrow[0] && view.mode in view.share) {
    return () => view.slide(view.share[view.mode] + arrow[0] * (fast ? 0.1 : 0.02));
  }
  return {
    j: () => view.step(1), PageDown: () => view.step(1),
    k: () => view.step(-1), PageUp: () => view.step(-1),
    x: () => view.decide(),
    b: () => view.toggle("boxes"), d: () => view.toggle("detections"),
    t: () => view.toggle("target"), h: () => view.toggle("hand"), "?": () => view.toggle("keys"),
    "+": () => camera.magnify(STEP), "=": () => camera.magnify(STEP),
    "-": () => camera.magnify(1 / STEP),
    0: () => camera.fit(),
    " ": view.mode === "flicker" && (() => view.hold()),
    r: () => beside.turn(),
    n: () => beside.step(1), p: () => beside.step(-1), a: () => beside.nextArm(),
  }[key]; // prettier-ignore
}
