// How the frame that is seen is painted: its pictures, what lies over them, and what stands beside.

function paint(view) {
  const { now: frame, mode, root } = view;
  const usable = Boolean(frame?.original);
  view.stage.classList.toggle("s2r-empty", !usable);
  view.tip.hidden = true;
  if (!usable) return;
  const made = `${frame.translator} · ${frame.style}`;
  view.second.box.hidden = mode !== "side";
  arrange(view, frame);
  view.stage.style.cursor = view.on.hand ? "grab" : "";
  view.line.hidden = mode !== "wipe";
  view.line.style.left = `${100 * view.share.wipe}%`;
  const names = {
    wipe: ["original", made],
    blend: ["original", made],
    flicker: view.flipped ? ["", made] : ["original", ""],
    difference: ["", `original − ${made}`],
    side: ["original", ""],
  }[mode];
  view.main.draw(frame.original, names, (pane) => compose(view, pane, frame));
  if (mode === "side") {
    view.second.draw(frame.translated, [made, ""], (pane) => pane.put(frame.translated));
  }
  overlay(view, frame);
  view.beside.paint(frame);
  view.bars.named(new Set([view.main, view.second].flatMap(({ marked }) =>
    marked.map((own) => own.class)))); // prettier-ignore
  // What is seen, and no longer what was asked for.
  const { position: at, serial } = view.seen;
  Object.assign(root.dataset, { mode, zoom: view.camera.zoom.toFixed(2), at, serial });
  root.dispatchEvent(new CustomEvent("s2r-painted")); // for whoever measures how long it took
}

function arrange(view, frame) {
  // Wide pictures and what stands beside are of one height, the figures below. Others leave room
  // for the figures under the target; and two of them go beside one another, wide ones do not.
  // Test frames with their boxes and controls take half of the room.
  const aspect = (picture) => picture && picture.width / picture.height;
  const [main, beside] = [aspect(frame.original), aspect(view.beside.picture)];
  const [side, alone, tests] = [view.mode === "side", view.beside.box.hidden, view.beside.on];
  const wide = main > 2.4 || (tests && !alone);
  const below = wide !== side || alone;
  const kinds = { below, alone, judging: tests && !alone, stacked: wide && side };
  for (const [name, on] of Object.entries(kinds)) view.stage.classList.toggle(`s2r-${name}`, on);
  const share = tests ? (side ? 0.7 : 1.2) : below ? (side ? 2 : main / beside) : 2.1;
  view.stage.style.setProperty("--main", `${share || 1}fr`);
}

function compose(view, pane, frame) {
  const { original, translated } = frame;
  if (view.mode === "difference") return pane.put((frame.heat ??= heat(original, translated)));
  if (view.mode === "flicker") return pane.put(view.flipped ? translated : original);
  if (view.mode === "side") return pane.put(original);
  if (view.mode === "blend") {
    pane.put(original);
    return pane.put(translated, { alpha: view.share.blend });
  }
  pane.put(translated);
  pane.put(original, { until: view.share.wipe });
}

function overlay(view, frame) {
  const { mode, share } = view;
  const colours = view.model.get("colours");
  const marks = view.on.boxes ? labelled(frame, colours) : [];
  const [before, after] = ["original", "translated"].map((side) =>
    view.on.detections ? detected(frame.detections?.[side] ?? [], colours, view.confidence) : [],
  );
  view.main.clear(frame);
  view.second.clear(frame);
  view.main.mark(marks);
  if (mode === "side") {
    view.second.mark(marks);
    view.main.mark(before);
    view.second.mark(after);
    return;
  }
  const left = { wipe: [0, share.wipe], flicker: [0, view.flipped ? 0 : 1] }[mode] ?? [0, 1];
  const right = { wipe: [share.wipe, 1], flicker: [0, view.flipped ? 1 : 0] }[mode] ?? [0, 1];
  const [faint, strong] = mode === "blend" ? [1 - share.blend, share.blend] : [1, 1];
  view.main.mark(before, { within: left, alpha: faint });
  view.main.mark(after, { within: right, alpha: strong });
}
