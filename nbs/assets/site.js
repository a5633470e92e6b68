// What the pages need beyond the site generator's own script: live plotly figures and k3d spaces, pictures in their own size, and a search that works from file://.
(() => {
  "use strict";
  const libs = new URL(".", document.currentScript.src);

  // ---- figures and spaces are drawn when they come into view: a browser has few WebGL contexts
  let k3d = null;
  const loadK3d = () => (k3d = k3d || new Promise((resolve, reject) => {
    window.k3dCompressed = "";      // its own source, which it would fetch: for a download that nobody is offered here
    window.define = (name, needs, make) => { delete window.define; resolve(make()); };
    const script = document.createElement("script");
    script.src = new URL("k3d.js", libs);
    script.onerror = reject;
    document.head.append(script);
  }));
  const drawSpace = (div) => loadK3d().then((lib) => {
    const bytes = Uint8Array.from(atob(div.querySelector("script").textContent), (c) => c.charCodeAt(0));
    return lib.CreateK3DAndLoadBinarySnapshot(bytes.buffer, div);
  });
  const drawFigure = (div) => {
    const fig = JSON.parse(div.querySelector("script").textContent);
    if (fig.layout.width > div.clientWidth) delete fig.layout.width;
    Plotly.newPlot(div, fig.data, fig.layout, { responsive: true, displaylogo: false, ...fig.config })
      .then(() => { if (fig.frames.length) Plotly.addFrames(div, fig.frames); });
  };
  const seen = new IntersectionObserver((entries) => entries.filter((e) => e.isIntersecting).forEach((e) => {
    seen.unobserve(e.target);
    (e.target.classList.contains("k3d-live") ? drawSpace : drawFigure)(e.target);
  }), { rootMargin: "400px" });
  document.querySelectorAll(".plotly-live, .k3d-live").forEach((div) => seen.observe(div));

  // ---- a picture that is shown smaller than it is opens in its own size
  const enlarge = (img) => {
    const sheet = document.createElement("dialog");
    sheet.className = "enlarged";
    sheet.append(img.cloneNode());
    sheet.addEventListener("click", () => sheet.close());
    sheet.addEventListener("close", () => { sheet.remove(); img.focus(); });
    document.body.append(sheet);
    sheet.showModal();
  };
  const shrunk = (img) => img.naturalWidth > 1.1 * img.clientWidth;
  const sized = new ResizeObserver((entries) => entries.forEach(({ target: img }) => {
    img.classList.toggle("shrunk", shrunk(img));
    img.tabIndex = shrunk(img) ? 0 : -1;
  }));
  document.querySelectorAll("main.content .cell-output img").forEach((img) => {
    sized.observe(img);
    img.addEventListener("click", () => { if (shrunk(img)) enlarge(img); });
    img.addEventListener("keydown", (event) => { if (event.key === "Enter" && shrunk(img)) enlarge(img); });
  });

  // ---- a page opened from a folder may not fetch, but it may load a script: the search index comes as one
  const loadIndex = () => new Promise((resolve, reject) => {
    if (window.siteSearch) { resolve(window.siteSearch); return; }
    const script = document.createElement("script");
    script.src = new URL("search-index.js", libs);
    script.onload = () => resolve(window.siteSearch);
    script.onerror = reject;
    document.head.append(script);
  });
  const fetchAny = window.fetch.bind(window);
  window.fetch = (url, options) => (String(url).endsWith("search.json") ? loadIndex().then((entries) => ({ json: () => entries })) : fetchAny(url, options));

  // ---- names are looked up as they are written: every word must occur, headings before titles before text
  const weigh = (entry, word) => {
    if (entry.head === word) return 100;
    if (entry.head.startsWith(word)) return 40;
    if (entry.head.includes(word)) return 20;
    if (entry.title.includes(word)) return 8;
    return entry.text.includes(word) ? 1 : 0;
  };
  window.Fuse = class {
    constructor(items) {
      this.entries = items.map((item) => ({ item, head: (item.section || item.title).toLowerCase(), title: item.title.toLowerCase(), text: item.text.toLowerCase() }));
    }
    search(query, { limit }) {
      const words = query.toLowerCase().split(/\s+/).filter(Boolean);
      const scored = this.entries.map((entry) => ({ item: entry.item, weights: words.map((word) => weigh(entry, word)) }));
      const total = (hit) => hit.weights.reduce((a, b) => a + b, 0);
      return scored.filter((hit) => hit.weights.every(Boolean)).sort((a, b) => total(b) - total(a)).slice(0, limit);
    }
  };
})();
