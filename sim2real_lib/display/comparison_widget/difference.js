// The difference of two pictures as a picture, and the legend that says what its colours mean.

const STEEPEST = 128; // grey levels of difference that take the ramp's last colour
// matplotlib's inferno: as dark as the difference is small, in steps that look equal.
const RAMP = ["#000004", "#1b0c41", "#4a0c6b", "#781c6d", "#a52c60", "#cf4446", "#ed6925",
  "#fb9b06", "#f7d13d", "#fcffa4"]; // prettier-ignore

function heat(original, translated) {
  // |difference of luminance| of each pixel, Rec. 709 weights, through the ramp.
  const { width, height } = original;
  const [before, after] = [original, translated].map((picture) => {
    const pen = canvasOf(width, height).getContext("2d", { willReadFrequently: true });
    pen.drawImage(picture, 0, 0, width, height);
    return pen.getImageData(0, 0, width, height).data;
  });
  const [made, colours] = [canvasOf(width, height), ramp()];
  const pen = made.getContext("2d");
  const image = pen.createImageData(width, height);
  const out = new Uint32Array(image.data.buffer);
  for (let at = 0, byte = 0; at < out.length; at += 1, byte += 4) {
    const difference = 0.2126 * (before[byte] - after[byte]) +
      0.7152 * (before[byte + 1] - after[byte + 1]) +
      0.0722 * (before[byte + 2] - after[byte + 2]); // prettier-ignore
    out[at] = colours[Math.min(255, (Math.abs(difference) * 255) / STEEPEST) | 0];
  }
  pen.putImageData(image, 0, 0);
  return made;
}

function ramp() {
  // 256 colours as the little-endian words of RGBA pixels.
  const stops = RAMP.map((hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));
  return Uint32Array.from({ length: 256 }, (_, at) => {
    const place = (at / 255) * (stops.length - 1);
    const first = Math.min(stops.length - 2, Math.floor(place));
    const [from, to] = [stops[first], stops[first + 1]];
    const mix = (part) => Math.round(from[part] + (to[part] - from[part]) * (place - first));
    return (0xff000000 | (mix(2) << 16) | (mix(1) << 8) | mix(0)) >>> 0;
  });
}

function legend() {
  const bar = node("i", {});
  bar.style.background = `linear-gradient(to right, ${RAMP.join(", ")})`;
  const end = node("span", {}, `${STEEPEST}+ grey levels apart`);
  return node("div", { class: "s2r-legend" }, node("span", {}, "0"), bar, end);
}
