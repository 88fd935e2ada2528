// <glossator-attention>: what each attention head reads to say a word, for mouse, keyboard and
// screen reader. Its data is the JSON in a child script; `GLOSSATOR_CSS` is its style.
(() => {
  if (customElements.get("glossator-attention")) return;

  const SHOWN = 12; // words in the panel
  const NAMED = 8; // heads of a layer up to which a cell names the word it reads most
  const shares = (base64) => Float32Array.from(new Uint16Array(bytes(base64)), (step) => step / 65535);
  const percent = (share) => Math.round(100 * share) + "%";

  class Attention extends GlossatorPart {
    #data; #characters; #shares; #sink; #words = []; #cells = [];
    #target = 0; // the generated word that is said
    #head = null; // index of the head that is kept, null: the mean of all
    #unit = null; // index of the unit that is kept: the grid then shows who reads it

    page(data) {
      this.#data = data;
      this.#characters = [...data.text]; // code points, as the offsets count them
      this.#shares = shares(data.shares);
      this.#sink = shares(data.sink);
      this.#target = data.first;
      return this.#page();
    }

    begin(root) {
      this.#listen(root);
      this.#show();
    }

    // ------------------------------------------------------------------ the numbers
    get #count() { return this.#data.layers * this.#data.heads; }
    #share(head, unit) {
      const units = this.#data.units.length;
      return this.#shares[(this.#target * this.#count + head) * units + unit];
    }
    #sinkOf(head) { return this.#sink[this.#target * this.#count + head]; }
    // The shares of one head, or the mean of all; and what of them rests on the first token.
    #row(head) {
      const heads = head === null ? [...Array(this.#count).keys()] : [head];
      const mean = (of) => heads.reduce((sum, each) => sum + of(each), 0) / heads.length;
      const shares = this.#data.units.map((_, unit) => mean((each) => this.#share(each, unit)));
      return { shares, sink: mean((each) => this.#sinkOf(each)) };
    }
    #strongest(head) {
      let best = 0;
      for (let unit = 1; unit < this.#data.units.length; unit++) if (this.#share(head, unit) > this.#share(head, best)) best = unit;
      return best;
    }
    #name(head) {
      return head === null ? "all heads, their mean" : `layer ${Math.floor(head / this.#data.heads)}, head ${head % this.#data.heads}`;
    }

    // ------------------------------------------------------------------ the page
    #page() {
      const d = this.#data;
      const tool = (id, label, title) => element("button", { id, type: "button", title }, label);
      const tools = element("div", { class: "tools" }, tool("all", "all heads", "Show the mean of all heads"), tool("theme", "light / dark", "Switch between light and dark"));
      const text = element("section", { "aria-label": "text" });
      const size = this.#characters.length, begins = size - d.continuation;
      text.append(element("p", { class: "part" }, d.continuation ? "prompt" : "text"), this.#run(0, begins, "prompt"));
      if (d.continuation) text.append(element("p", { class: "part" }, "generated: choose a word"), this.#run(begins, size, "generated"));
      text.append(...this.#chips());
      const panel = element("aside", { "aria-label": "what is read" });
      const live = element("div", { class: "hidden", "aria-live": "polite", id: "live" });
      const footer = element("footer", { class: "legend" }, ...d.legend.slice(0, -1).map((line) => element("p", {}, line)),
        element("p", {}, "Point at a head to see what it reads, at a word of the text to see who reads it; click or press Enter to keep, Esc to let go, arrows to move. Dashed: rests on the first token."),
        element("details", {}, element("summary", {}, "provenance"), element("pre", {}, d.record)));
      const caveat = element("p", { class: "caveat", role: "note" }, d.legend[d.legend.length - 1]);
      const heading = element("div", {}, element("h1", {}, d.title), element("p", { class: "facts", id: "said" }));
      // The grid must not move while the panel beside it changes its height.
      const left = element("div", { class: "left" }, text, this.#grid());
      return element("main", {}, element("header", {}, heading, tools), caveat, left, panel, footer, live);
    }

    #grid() {
      const d = this.#data;
      const head = element("tr", {}, element("th", {}), ...Array.from({ length: d.heads }, (_, h) => element("th", { scope: "col" }, d.heads > NAMED ? String(h) : `head ${h}`)));
      const body = element("tbody");
      for (let layer = 0; layer < d.layers; layer++) {
        const row = element("tr", {}, element("th", { scope: "row" }, `layer ${layer}`));
        for (let h = 0; h < d.heads; h++) {
          const cell = element("td", { role: "gridcell", tabindex: "-1" });
          this.#cells.push(cell);
          row.append(cell);
        }
        body.append(row);
      }
      this.#cells[0].tabIndex = 0;
      const grid = element("table", { class: d.heads > NAMED ? "grid" : "grid wide", role: "grid", "aria-label": "heads by layer" }, element("thead", {}, head), body);
      return element("section", { class: "heads" }, element("p", { class: "part" }, "heads"), grid);
    }

    // Text from one character to another: a span for each stretch within one unit and target.
    #run(from, to, part) {
      const d = this.#data;
      const run = element("p", { class: "text", role: "group", "aria-label": part, dir: "auto" });
      for (const { start, end, unit, target } of stretches(from, to, d.units, d.targets)) {
        const words = this.#characters.slice(start, end).join("");
        run.append(unit < 0 && target < 0 ? words : this.#word(words, unit, target));
      }
      return run;
    }

    #word(words, unit, target) {
      const node = element("span", { class: target >= 0 ? "w target" : "w", role: "button", tabindex: "-1" }, words);
      this.#words.push({ node, unit, target });
      return node;
    }

    // What has no characters of its own: special tokens, and the classes of a classifier.
    #chips() {
      const rows = [];
      for (const [label, list, kind] of [["special tokens", this.#data.units, "unit"], ["targets", this.#data.targets, "target"]]) {
        const bare = list.map((s, i) => ({ ...s, i })).filter((s) => s.end <= s.start);
        if (!bare.length) continue;
        const row = element("div", { class: "chips", role: "group", "aria-label": label });
        for (const s of bare) row.append(this.#word(s.name ?? s.label, kind === "unit" ? s.i : -1, kind === "target" ? s.i : -1));
        rows.push(element("p", { class: "part" }, label), row);
      }
      return rows;
    }

    // ------------------------------------------------------------------ what is shown
    #show(head = this.#head, unit = this.#unit) {
      const { shares, sink } = this.#row(head);
      const d = this.#data, label = d.targets[this.#target].label;
      this.shadowRoot.getElementById("said").textContent = `to say ${label} (${this.#target + 1} of ${d.targets.length})`;
      for (const word of this.#words) {
        const share = word.unit >= 0 ? shares[word.unit] : 0;
        word.node.classList.toggle("plus", share >= 0.02);
        word.node.classList.toggle("chosen", word.target === this.#target || (unit !== null && word.unit === unit));
        word.node.style.setProperty("--a", Math.round(67 * share + 8) + "%");
      }
      this.#cells.forEach((cell, each) => {
        const best = this.#strongest(each), shown = unit ?? best, share = this.#share(each, shown);
        const rests = this.#sinkOf(each) >= this.#share(each, best) - 1e-4;
        cell.classList.toggle("rests", rests);
        cell.classList.toggle("chosen", each === head);
        cell.style.setProperty("--a", unit === null && rests ? "0%" : Math.round(80 * share) + "%");
        const says = `${this.#name(each)}: ${d.units[shown].name} ${percent(share)}`;
        cell.title = says;
        cell.setAttribute("aria-label", says);
        if (d.heads <= NAMED) cell.textContent = unit === null ? d.units[best].name : percent(share);
      });
      this.#fill(head, shares, sink);
    }

    #fill(head, shares, sink) {
      const entries = shares.map((share, unit) => ({ share, name: this.#data.units[unit].name })).filter((e) => e.share > 0);
      entries.sort((a, b) => b.share - a.share);
      const entropy = entries.reduce((sum, e) => sum - e.share * Math.log(e.share), 0);
      const about = `entropy ${entropy.toFixed(2)} of ${Math.log(Math.max(1, entries.length)).toFixed(2)} nats · first token ${percent(sink)}`;
      const body = element("tbody");
      for (const e of entries.slice(0, SHOWN)) {
        const solid = element("i");
        solid.style.left = "0";
        solid.style.width = 100 * e.share + "%";
        solid.style.background = "var(--plus)";
        body.append(element("tr", {}, element("th", { scope: "row", title: e.name }, e.name), element("td", {}, percent(e.share)),
          element("td", { class: "draw", "aria-hidden": "true" }, element("div", { class: "bar" }, solid))));
      }
      this.shadowRoot.querySelector("aside").replaceChildren(
        element("p", { class: "part" }, `to say ${this.#data.targets[this.#target].label}`), element("h2", {}, this.#name(head)), element("p", { class: "value" }, about),
        element("table", {}, element("caption", { class: "hidden" }, "shares of attention, largest first"), body));
      const spoken = entries.slice(0, 3).map((e) => `${e.name} ${percent(e.share)}`);
      this.shadowRoot.getElementById("live").textContent = `${this.#name(head)}: ${about}. ${spoken.join(", ")}`;
    }

    // ------------------------------------------------------------------ mouse and keyboard
    #listen(root) {
      const words = new Map(this.#words.map((word) => [word.node, word]));
      const cells = new Map(this.#cells.map((cell, i) => [cell, i]));
      const word = (event) => words.get(event.target.closest?.(".w"));
      const cell = (event) => cells.get(event.target.closest?.(".grid td"));
      const look = (event) => {
        const [at, over] = [cell(event), word(event)];
        if (at !== undefined) this.#show(at, null);
        else if (over && over.target < 0) this.#show(null, over.unit);
        else this.#show();
      };
      const keep = (event) => {
        const [at, over] = [cell(event), word(event)];
        if (at !== undefined) [this.#head, this.#unit] = [at, null];
        else if (over?.target >= 0) this.#target = over.target;
        else if (over) [this.#head, this.#unit] = [null, over.unit];
        else return false;
        this.#show();
        return true;
      };
      const letGo = () => { this.#head = this.#unit = null; this.#show(); };
      root.addEventListener("pointerover", look);
      root.addEventListener("focusin", (event) => { if (cell(event) !== undefined || word(event)) look(event); });
      root.addEventListener("click", keep);
      root.addEventListener("keydown", (event) => {
        if (event.key === "Escape") letGo();
        else if ((event.key === "Enter" || event.key === " ") && keep(event)) event.preventDefault();
        else this.#move(event, cell(event));
      });
      this.addEventListener("pointerleave", () => this.#show());
      root.getElementById("all").addEventListener("click", letGo);
    }

    #move(event, cell) {
      const across = { ArrowRight: 1, ArrowLeft: -1 }[event.key] ?? 0;
      const down = { ArrowDown: 1, ArrowUp: -1 }[event.key] ?? 0;
      const from = event.target.closest(".w, .grid td");
      if (!from || !(across || down)) return;
      event.preventDefault();
      let next;
      if (cell !== undefined) {
        const head = (cell % this.#data.heads) + across;
        if (head >= 0 && head < this.#data.heads) next = this.#cells[cell + across + down * this.#data.heads];
      } else {
        next = this.beside(from, across + down);
      }
      this.pass(from, next);
    }
  }
  customElements.define("glossator-attention", Attention);
})();
