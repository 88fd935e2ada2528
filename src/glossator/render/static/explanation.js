// <glossator-explanation>: one explanation, to read with mouse, keyboard or screen reader.
// Its data is the JSON in a child <script type="application/json">; `GLOSSATOR_CSS` is its style.
(() => {
  if (customElements.get("glossator-explanation")) return;

  const SHOWN = 10; // sources in the panel before "all scores"
  const LONG = 400; // words from which the text is set smaller

  class Explanation extends GlossatorPart {
    #data; #characters; #scores; #half; #segments = []; #pinned = null; #shown = null; #shared = null; #significant = false;

    page(data) {
      this.#data = data;
      this.#characters = [...data.text]; // code points, as the offsets count them
      this.#scores = new Float32Array(bytes(data.scores));
      this.#half = data.half ? new Float32Array(bytes(data.half)) : null;
      return this.#page();
    }

    begin(root) {
      this.#listen(root);
      this.#pin({ target: this.#data.first });
    }

    // ------------------------------------------------------------------ the numbers
    #score(target, unit) { return this.#scores[target * this.#data.units.length + unit]; }
    #halfOf(target, unit) {
      return this.#half ? this.#half[target * this.#data.units.length + unit] : 0;
    }
    #isNoise(target, unit) {
      const half = this.#halfOf(target, unit);
      return half !== 0 && !(Math.abs(this.#score(target, unit)) > half);
    }
    #signed(x) {
      const text = Math.abs(x).toFixed(this.#data.decimals);
      const sign = x < 0 ? "−" : this.#data.shares ? "" : "+";
      return Number(text) === 0 ? text : sign + text;
    }
    #interval(half) {
      if (!this.#half) return "";
      return Number.isFinite(half) ? "±" + half.toFixed(this.#data.decimals) : "±?";
    }

    // ------------------------------------------------------------------ the page
    #page() {
      const d = this.#data;
      const tool = (id, label, title) =>
        element("button", { id, type: "button", "aria-pressed": "false", title }, label);
      const tools = element("div", { class: "tools" },
        ...(d.half ? [tool("significant", "significant only", "Leave out scores whose interval contains 0")] : []),
        tool("theme", "light / dark", "Switch between light and dark"));
      const text = element("section", { "aria-label": "text" });
      const size = this.#characters.length, begins = size - d.continuation;
      text.append(element("p", { class: "part" }, d.continuation ? "prompt" : "text"), this.#run(0, begins, "prompt"));
      if (d.continuation) text.append(element("p", { class: "part" }, "generated"), this.#run(begins, size, "generated"));
      text.append(...this.#chips());
      const panel = element("aside", { "aria-label": "scores" });
      const live = element("div", { class: "hidden", "aria-live": "polite", id: "live" });
      const legend = element("footer", { class: "legend" });
      const swatch = (kind, words) => {
        const node = element("span", { class: `w swatch ${kind}` }, words);
        node.style.setProperty("--a", "55%");
        return node;
      };
      const full = `full colour = ${d.scale.toFixed(d.decimals)}`;
      legend.append(
        d.shares ? element("p", {}, swatch("plus", "share"), ` that goes to the word; ${full}`)
          : element("p", {}, swatch("plus", "+ raises"), " ", swatch("minus", "− lowers"), ` the ${d.readout}, in ${d.measure}; ${full}`),
        ...d.legend.map((line) => element("p", {}, line)),
        element("p", {}, "Point at a generated word to see its sources, at a word of the prompt to see what it did; click or press Enter to keep, Esc to let go, ← → to move."),
        element("details", {}, element("summary", {}, "provenance and cost"), element("pre", {}, d.record)));
      const heading = element("div", {}, element("h1", {}, d.title), element("p", { class: "facts" }, d.facts));
      return element("main", {}, element("header", {}, heading, tools), text, panel, legend, live);
    }

    // Text from one character to another: a span for each stretch within one unit and target.
    #run(from, to, part) {
      const d = this.#data;
      const run = element("p", { class: d.units.length > LONG ? "text long" : "text", role: "group", "aria-label": part, dir: "auto" });
      for (const { start, end, unit, target } of stretches(from, to, d.units, d.targets)) {
        const words = this.#characters.slice(start, end).join("");
        run.append(unit < 0 && target < 0 ? words : this.#word(words, unit, target));
      }
      return run;
    }

    #word(words, unit, target) {
      const d = this.#data;
      const fixed = unit >= 0 && !d.units[unit].player && target < 0;
      const kind = target >= 0 ? "w target" : fixed ? "w fixed" : "w";
      const node = element("span", { class: kind }, words);
      if (!fixed) { node.setAttribute("role", "button"); node.tabIndex = -1; }
      this.#segments.push({ node, unit, target, painted: "" });
      return node;
    }

    // Targets that have no characters of their own: classes and contrasts.
    #chips() {
      const bare = this.#data.targets.map((s, i) => ({ ...s, i })).filter((s) => s.end <= s.start);
      if (!bare.length) return [];
      const row = element("div", { class: "chips", role: "group", "aria-label": "targets" });
      for (const target of bare) row.append(this.#word(target.label, -1, target.i));
      return [element("p", { class: "part" }, "targets"), row];
    }

    // ------------------------------------------------------------------ what is shown
    #pin(choice) { this.#pinned = choice; this.#show(choice); }

    #show(choice) {
      const key = JSON.stringify([choice, this.#significant]);
      if (key === this.#shown) return;
      this.#shown = key;
      for (const segment of this.#segments) this.#paint(segment, choice);
      this.#fill(choice);
    }

    #paint(segment, choice) {
      const about = choice.target ?? choice.unit;
      const own = choice.target !== undefined ? segment.target === about : segment.unit === about;
      const [target, unit] = choice.target !== undefined ? [about, segment.unit] : [segment.target, about];
      let kind = own ? "chosen" : "", strength = "";
      if (target >= 0 && unit >= 0) {
        const score = this.#score(target, unit);
        if (Number.isFinite(score)) {
          const share = Math.min(1, Math.abs(score) / this.#data.scale);
          if (!this.#isNoise(target, unit) && share >= 0.02) { kind += score > 0 ? " plus" : " minus"; strength = Math.round(8 + 67 * share) + "%"; }
        }
      }
      const painted = kind + strength;
      if (painted === segment.painted) return;
      segment.painted = painted;
      segment.node.classList.remove("plus", "minus", "chosen");
      if (kind) segment.node.classList.add(...kind.trim().split(" ").filter(Boolean));
      segment.node.style.setProperty("--a", strength || "0%");
    }

    #entries(choice) {
      const d = this.#data, entries = [];
      const byTarget = choice.target !== undefined;
      const count = byTarget ? d.units.length : d.targets.length;
      for (let i = 0; i < count; i++) {
        const [t, u] = byTarget ? [choice.target, i] : [i, choice.unit];
        const score = this.#score(t, u);
        if (!Number.isFinite(score)) continue;
        const noise = this.#isNoise(t, u);
        if (noise && this.#significant) continue;
        entries.push({ label: byTarget ? d.units[i].name : d.targets[i].label, score, half: this.#halfOf(t, u), noise });
      }
      return entries.sort((a, b) => Math.abs(b.score) - Math.abs(a.score));
    }

    #fill(choice) {
      const d = this.#data, panel = this.shadowRoot.querySelector("aside");
      const entries = this.#entries(choice), byTarget = choice.target !== undefined;
      const subject = byTarget ? d.targets[choice.target].label : d.units[choice.unit].name;
      const about = byTarget ? d.targets[choice.target].value : d.shares ? "its share in each target" : "what this word did to each target";
      const rest = entries.slice(SHOWN);
      panel.replaceChildren(
        element("p", { class: "part" }, byTarget ? "why the model said" : "what followed from"),
        element("h2", {}, subject), element("p", { class: "value" }, about),
        ...(byTarget && d.targets[choice.target].verdict ? [element("p", { class: "verdict" }, d.targets[choice.target].verdict)] : []),
        entries.length ? this.#table(entries.slice(0, SHOWN)) : element("p", { class: "value" }, "no scores: nothing here acts on it"));
      if (rest.length) {
        const more = element("details", {}, element("summary", {}, `${rest.length} more, at most ${Math.abs(rest[0].score).toFixed(d.decimals)}`));
        more.addEventListener("toggle", () => { if (more.open && more.children.length === 1) more.append(element("div", { class: "scroll" }, this.#table(rest))); });
        panel.append(more);
      }
      const spoken = entries.slice(0, 3).map((e) => `${e.label} ${this.#signed(e.score)} ${this.#interval(e.half)}`);
      this.shadowRoot.getElementById("live").textContent = `${subject}: ${about}. ${spoken.join(", ")}`;
    }

    #table(entries) {
      const body = element("tbody"), axis = this.#axis();
      for (const e of entries) {
        const ink = e.score > 0 ? "plus-ink" : "minus-ink";
        body.append(element("tr", e.noise ? { class: "noise" } : {},
          element("th", { scope: "row", title: e.label }, e.label + (e.noise ? " ~" : "")),
          element("td", { class: ink }, this.#signed(e.score)),
          ...(this.#half ? [element("td", { class: "half" }, this.#interval(e.half))] : []),
          element("td", { class: "draw", "aria-hidden": "true" }, this.#bar(e, axis))));
      }
      return element("table", {}, element("caption", { class: "hidden" }, "scores, most decisive first"), body);
    }

    // All bars of an explanation share one axis: where 0 is, and what the whole width stands for.
    #axis() {
      if (this.#shared) return this.#shared;
      const defined = this.#scores.filter(Number.isFinite);
      const low = -defined.reduce((a, b) => Math.min(a, b), 0);
      const high = defined.reduce((a, b) => Math.max(a, b), 0);
      const span = Math.max(low + high, this.#data.scale) * 1.08;
      return this.#shared = { span, zero: (low + 0.04 * span) / span };
    }

    #bar(entry, axis) {
      const bar = element("div", { class: "bar" });
      const at = (x) => 100 * Math.max(0, Math.min(1, axis.zero + x / axis.span));
      const stretch = (node, a, b) => { node.style.left = at(Math.min(a, b)) + "%"; node.style.width = Math.abs(at(a) - at(b)) + "%"; return node; };
      const solid = stretch(element("i"), 0, entry.score);
      solid.style.background = entry.score > 0 ? "var(--plus)" : "var(--minus)";
      const zero = element("u");
      zero.style.left = at(0) + "%";
      bar.append(zero, solid);
      if (Number.isFinite(entry.half) && entry.half > 0) bar.append(stretch(element("b"), entry.score - entry.half, entry.score + entry.half));
      return bar;
    }

    // ------------------------------------------------------------------ mouse and keyboard
    #listen(root) {
      const nodes = new Map(this.#segments.map((segment) => [segment.node, segment]));
      const choice = (event) => {
        const segment = nodes.get(event.target.closest?.(".w"));
        if (!segment || segment.node.classList.contains("fixed")) return null;
        if (segment.target >= 0) return { target: segment.target };
        return segment.unit >= 0 ? { unit: segment.unit } : null;
      };
      const on = (name, act) => root.addEventListener(name, act);
      on("pointerover", (event) => this.#show(choice(event) ?? this.#pinned));
      on("focusin", (event) => { const found = choice(event); if (found) this.#show(found); });
      on("click", (event) => { const found = choice(event); if (found) { this.#pin(found); event.target.focus(); } });
      on("keydown", (event) => this.#key(event, choice(event)));
      this.addEventListener("pointerleave", () => this.#show(this.#pinned));
      root.getElementById("significant")?.addEventListener("click", (event) => {
        this.#significant = !this.#significant;
        event.currentTarget.setAttribute("aria-pressed", String(this.#significant));
        this.#show(this.#pinned);
      });
    }

    #key(event, found) {
      if (event.key === "Escape") { this.#pin({ target: this.#data.first }); return; }
      if (!found) return;
      if (event.key === "Enter" || event.key === " ") { this.#pin(found); event.preventDefault(); return; }
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const word = event.target.closest(".w");
      this.pass(word, this.beside(word, step));
    }
  }
  customElements.define("glossator-explanation", Explanation);
})();
