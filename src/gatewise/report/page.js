// The still pictures come alive when they come into view: values on hover, zoom, another setting, dark or light.
(() => {
  "use strict";
  const root = document.documentElement;
  const payload = JSON.parse(document.getElementById("payload").textContent);
  const status = document.getElementById("status");
  const state = { level: 0, zoom: null };
  const views = new Map(); // name of a figure -> its live view

  // ---- dark and light
  const toggle = document.getElementById("theme");
  const systemDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : systemDark.matches);
  const showTheme = () => toggle.setAttribute("aria-pressed", String(isDark()));
  toggle.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("gatewise-theme", root.dataset.theme); } catch { /* not remembered then */ }
    showTheme();
  });
  systemDark.addEventListener("change", showTheme);
  showTheme();

  // ---- what can be pasted into a paper
  for (const button of document.querySelectorAll("button[data-copies]")) {
    const text = document.getElementById(button.dataset.copies);
    button.addEventListener("click", async () => {
      try { await navigator.clipboard.writeText(text.textContent); button.textContent = payload.copied; } catch { getSelection().selectAllChildren(text); }
    });
  }

  // ---- data: columns to rows, once for all figures
  const unpacked = new Map();
  const rows = (name) => {
    if (!unpacked.has(name)) {
      const columns = Object.entries(payload.data[name]).map(([key, c]) => [key, Array.isArray(c) ? c : c.at.map((i) => c.of[i])]);
      const count = columns.length ? columns[0][1].length : 0;
      unpacked.set(name, Array.from({ length: count }, (_, i) => Object.fromEntries(columns.map(([key, c]) => [key, c[i]]))));
    }
    return unpacked.get(name);
  };

  // ---- a figure comes alive
  const make = async (box) => {
    const name = box.dataset.figure;
    const spec = structuredClone(payload.specs[name]);
    const text = JSON.stringify(spec);
    // names stand side by side as far as the longest one lets them
    const named = (node) => (node && typeof node === "object" ? [...(node.color?.scale?.domain || []), ...Object.values(node).flatMap(named)] : []);
    const room = 7 * Math.max(0, ...named(spec).map((one) => String(one).length)) + 40;
    const columns = Math.max(1, Math.min(payload.config.legend.columns, Math.floor(box.clientWidth / room)));
    spec.config = { ...payload.config, legend: { ...payload.config.legend, columns } };
    spec.width = "container";
    spec.datasets = spec.datasets || {};
    for (const key of Object.keys(payload.data)) if (text.includes(`"name":"${key}"`)) spec.datasets[key] = rows(key);
    const live = box.querySelector(".live");
    // ast: expressions are interpreted, never compiled, so that the page's policy can forbid eval
    const { view } = await vegaEmbed(live, spec, { ast: true, actions: false, renderer: "svg", mode: "vega-lite", defaultStyle: false, ...(payload.formatLocale ? { formatLocale: payload.formatLocale, timeFormatLocale: payload.timeFormatLocale } : {}) });
    views.set(name, view);
    box.classList.add("alive");
    if (box.dataset.chooses) view.signal("level", state.level);
    if (box.dataset.zooms) {
      if (state.zoom) view.signal("zoom_t", state.zoom);
      view.addSignalListener("zoom_t", (_, range) => zoomTo(Array.isArray(range) ? range.map(Number) : null, name));
    }
    await view.runAsync();
  };
  const observer = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      observer.unobserve(entry.target);
      make(entry.target).catch((error) => console.error(error)); // the still picture stays
    }
  }, { rootMargin: "500px" });
  document.querySelectorAll("[data-figure]").forEach((box) => observer.observe(box));

  // ---- another setting, in every figure that shows one
  const choosers = [...document.querySelectorAll("select.level")];
  const choose = (level) => {
    state.level = level;
    for (const other of choosers) other.value = String(level);
    for (const [name, view] of views) if (boxOf(name).dataset.chooses) view.signal("level", level).runAsync();
  };
  const boxOf = (name) => document.querySelector(`[data-figure="${name}"]`);
  for (const select of choosers) {
    select.value = "0";
    select.addEventListener("change", () => choose(Number(select.value)));
  }

  // ---- zoom along time, the same for every series
  let whole = null;
  const extent = () => {
    if (!whole) {
      const times = rows("forecast").map((row) => (typeof row.t === "number" ? row.t : Date.parse(row.t)));
      whole = times.reduce(([low, high], t) => [Math.min(low, t), Math.max(high, t)], [Infinity, -Infinity]);
    }
    return whole;
  };
  const label = (value) => (typeof rows("forecast")[0].t === "number" ? String(Math.round(value)) : new Date(value).toISOString().slice(0, 10));
  const same = (a, b) => (a && b ? a[0] === b[0] && a[1] === b[1] : !a && !b);
  const zoomTo = (range, from = null) => {
    if (same(range, state.zoom)) return;
    state.zoom = range;
    for (const [name, view] of views) {
      if (name !== from && boxOf(name).dataset.zooms) view.signal("zoom_t", range).runAsync();
    }
    status.textContent = range ? payload.shown.part.replace("<first>", label(range[0])).replace("<last>", label(range[1])) : payload.shown.whole;
  };
  const zoomBy = (how) => {
    const [low, high] = extent();
    const [start, stop] = state.zoom || [low, high];
    const width = stop - start;
    if (how === "whole") return zoomTo(null);
    if (how === "in") return zoomTo([start + width / 4, stop - width / 4]);
    if (how === "out") {
      const wider = [Math.max(low, start - width / 2), Math.min(high, stop + width / 2)];
      return zoomTo(wider[0] <= low && wider[1] >= high ? null : wider);
    }
    const move = how === "earlier" ? -Math.min(width / 2, start - low) : Math.min(width / 2, high - stop);
    return zoomTo([start + move, stop + move]);
  };
  document.querySelectorAll("button[data-zoom]").forEach((button) => button.addEventListener("click", () => zoomBy(button.dataset.zoom)));
})();
