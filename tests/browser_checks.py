"""What tests of pages in a browser measure."""

#: The contrast of each element that a selector finds with what lies under it (WCAG 2.2).
CONTRAST = """(selector) => [...document.querySelectorAll(selector)].map((one) => {
  const read = (colour) => {  // color(srgb ...) counts from 0 to 1, rgb(...) to 255
    const most = colour.startsWith('color(') ? 1 : 255, found = colour.match(/[0-9.]+/g).map(Number);
    return { parts: found.slice(0, 3).map((v) => v / most), opacity: found.length > 3 ? found[3] : 1 };
  };
  const light = (parts) => {
    const [r, g, b] = parts.map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const layers = [];
  for (let box = one; box; box = box.parentElement) layers.push(read(getComputedStyle(box).backgroundColor));
  const back = layers.reverse().reduce(
    (under, layer) => under.map((v, i) => v + (layer.parts[i] - v) * layer.opacity), [1, 1, 1],
  );
  const [a, b] = [light(read(getComputedStyle(one).color).parts), light(back)].sort((x, y) => y - x);
  return (a + 0.05) / (b + 0.05);
})"""


def overflow(page):
    """Return by how many pixels the page is wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
