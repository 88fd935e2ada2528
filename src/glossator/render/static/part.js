// What all components share: their data and style, light and dark, one stop for Tab in each group
// of words, and which units and targets a stretch of text belongs to.
const element = (name, attributes = {}, ...children) => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") node.className = value;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
};
const bytes = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0)).buffer;

// A component is given its data by `page(data)`, which returns what is seen, and then `begin(root)`.
class GlossatorPart extends HTMLElement {
  connectedCallback() {
    if (this.shadowRoot) return;
    const script = this.querySelector('script[type="application/json"]');
    // While a page is still being parsed, the data follows the opening tag.
    if (!script) {
      setTimeout(() => this.isConnected && this.connectedCallback());
      return;
    }
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(GLOSSATOR_CSS);
    root.adoptedStyleSheets = [sheet];
    root.append(this.page(JSON.parse(script.textContent)));
    root.getElementById("theme").addEventListener("click", () => this.#turn());
    for (const group of root.querySelectorAll('[role="group"]')) {
      const first = group.querySelector('.w[role="button"]');
      if (first) first.tabIndex = 0; // one stop for Tab, arrows within
    }
    this.begin(root);
  }

  #turn() {
    const dark = this.getAttribute("theme") ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
    this.setAttribute("theme", dark === "dark" ? "light" : "dark");
  }

  // Give the focus, and the stop for Tab, to another node of the group.
  pass(from, next) {
    if (!next) return;
    from.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  }

  // The words of a group, by how far from this one.
  beside(node, steps) {
    const words = [...node.closest('[role="group"]').querySelectorAll('.w[role="button"]')];
    return words[words.indexOf(node) + steps];
  }
}

// The stretches of text from one character to another within one unit and target each; -1: none.
function* stretches(from, to, units, targets) {
  const within = (list) => list.map((s, i) => ({ ...s, i })).filter((s) => s.end > s.start && s.start < to && s.end > from);
  const [inUnits, inTargets] = [within(units), within(targets)];
  const edges = new Set([from, to]);
  for (const s of [...inUnits, ...inTargets]) { edges.add(Math.max(s.start, from)); edges.add(Math.min(s.end, to)); }
  const cuts = [...edges].sort((a, b) => a - b);
  let u = 0, t = 0;
  for (let k = 0; k + 1 < cuts.length; k++) {
    const [start, end] = [cuts[k], cuts[k + 1]];
    while (u < inUnits.length && inUnits[u].end <= start) u++;
    while (t < inTargets.length && inTargets[t].end <= start) t++;
    const unit = u < inUnits.length && inUnits[u].start <= start ? inUnits[u].i : -1;
    const target = t < inTargets.length && inTargets[t].start <= start ? inTargets[t].i : -1;
    yield { start, end, unit, target };
  }
}
