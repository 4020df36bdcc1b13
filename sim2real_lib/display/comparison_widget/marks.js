// What is drawn over a picture: labelled boxes, detections, and detections that were judged.
// A mark is a box (left, top, right, bottom in the file's pixels) with its colour, its kind (a CSS
// class), a name (short, over the box, or under it) and words (what the pointer tells).

function labelled(frame, colours) {
  // As drawn in stills: the largest first, without ignored areas too low to be looked at.
  const area = (own) => (own.right - own.left) * (own.bottom - own.top);
  const low = (own) => own.ignore && own.bottom - own.top < frame.lowest * frame.height;
  const boxes = frame.boxes.filter((own) => !low(own)).sort((a, b) => area(b) - area(a));
  return boxes.map((own) => ({
    ...own,
    colour: own.ignore ? "#8a94a3" : colours[own.class],
    kind: own.ignore ? "s2r-ignored" : own.occluded ? "s2r-hidden" : "",
    name: own.ignore ? "" : own.class,
    words: labelWords(own),
  }));
}

function detected(found, colours, least) {
  return found
    .filter((own) => own.confidence >= least)
    .map((own) => ({
      ...own,
      colour: colours[own.class],
      kind: "s2r-found",
      name: sure(own),
      under: true,
      words: `detected: ${sure(own)} sure`,
    }));
}

function judged(marks, looks) {
  const words = { right: "found", false: "false", missed: "missed" };
  return marks.map((own) => {
    const name = own.confidence === null ? own.class : sure(own);
    const kind = `s2r-verdict s2r-${own.verdict}`;
    const said = `${words[own.verdict]}: ${name}`;
    return { ...own, colour: looks[own.verdict], kind, name, under: true, words: said };
  });
}

function sure(own) {
  return `${own.class} ${Math.round(100 * own.confidence)}%`;
}

function labelWords(own) {
  if (own.ignore) return `${own.class}: not judged`;
  if (own.occlusion !== null) return `${own.class}, ${Math.round(100 * own.occlusion)}% occluded`;
  const known = { true: "partly occluded", false: "fully visible" }[own.occluded];
  return `${own.class}, ${known ?? "occlusion unknown"}`;
}

function hatch(id) {
  const line = shape("line", { x1: 0, y1: 0, x2: 0, y2: 8, stroke: "#c3cad4", "stroke-width": 2 });
  const pattern = { id, width: 8, height: 8, patternUnits: "userSpaceOnUse",
    patternTransform: "rotate(45)" }; // prettier-ignore
  return shape("defs", {}, shape("pattern", pattern, line));
}

function unasked(frame, on) {
  // No box may mean that there is nothing, or that nobody looked.
  const known = !on.detections || !frame || frame.detections;
  return known ? "" : "the detector was not asked about this frame";
}
