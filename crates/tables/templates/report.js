(() => {
  "use strict";
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];

  // Numbers by value and before text, text by its letters; what is missing stays at the end.
  const order = (a, b, direction) => {
    const [x, y] = [a, b].map((text) => (text === "" || text === "–" ? null : text));
    if (x === null || y === null) return (x === null) - (y === null);
    const [m, n] = [Number(x), Number(y)];
    if (!Number.isNaN(m) && !Number.isNaN(n)) return direction * (m - n);
    if (Number.isNaN(m) !== Number.isNaN(n)) return direction * (Number.isNaN(m) ? 1 : -1);
    return direction * x.localeCompare(y, "en", { numeric: true });
  };
  for (const table of all("table.sortable")) {
    const headers = all("th", table.tHead.rows[0]);
    headers.forEach((header) => {
      const column = header.cellIndex;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...header.childNodes);
      header.append(button);
      header.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const ascending = header.getAttribute("aria-sort") !== "ascending";
        headers.forEach((other) => other.setAttribute("aria-sort", "none"));
        header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        const text = (row) => row.cells[column].textContent.trim();
        const body = table.tBodies[0];
        body.append(...[...body.rows].sort((a, b) => order(text(a), text(b), ascending ? 1 : -1)));
      });
    });
  }

  const sections = all("section.sweep").map((element) => ({ element, runs: JSON.parse(element.dataset.runs) }));
  for (const { element, runs } of sections) {
    all("figure[data-chart]", element).forEach((figure) => liveCharts.add(figure, runs));
  }

  // A name in a legend shows and hides its lines in all charts beside it.
  for (const group of all(".curves")) {
    group.hiddenLooks = new Set();
    for (const entry of all(".legend li", group)) {
      entry.setAttribute("role", "button");
      entry.setAttribute("aria-pressed", "true");
      entry.tabIndex = 0;
      const toggle = () => {
        const { look } = entry.dataset;
        if (!group.hiddenLooks.delete(look)) group.hiddenLooks.add(look);
        entry.setAttribute("aria-pressed", String(!group.hiddenLooks.has(look)));
        liveCharts.figures.filter((figure) => figure.group === group).forEach((figure) => figure.draw());
      };
      entry.addEventListener("click", toggle);
      entry.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        toggle();
      });
    }
  }

  // Words must all be found among the tags of a thing; `name=value` must be one of them.
  const form = document.querySelector("form.filter");
  let words = [];
  let state = "";
  const matches = (tags) => {
    const lower = tags.map((tag) => tag.toLowerCase());
    return words.every((word) => lower.some((tag) => (word.includes("=") ? tag === word : tag.includes(word))));
  };
  const shown = (tags, its) => (state === "" || its === state) && matches(tags);
  liveCharts.shown = shown;
  const tagsOf = (element) => (element.dataset.tags ? element.dataset.tags.split("\n") : []);

  // Cells that do not match stand back, rows without any that do are hidden.
  const filterTable = (table) => {
    const columns = all("thead th[data-tags]", table).map(tagsOf);
    for (const row of all("tbody tr[data-tags]", table)) {
      const tags = tagsOf(row);
      const cells = columns.length > 0 ? all("td", row) : [];
      const fits = (columns.length > 0 ? columns : [[]]).map((column) => shown([...tags, ...column], table.dataset.state));
      cells.forEach((cell, at) => cell.classList.toggle("off", !fits[at]));
      row.hidden = !fits.includes(true);
    }
  };
  const filterSection = ({ element, runs }) => {
    const of = (at) => shown([runs[at][0], ...runs[at][2]], runs[at][1]);
    all("tr[data-run]", element).forEach((row) => { row.hidden = !of(row.dataset.run); });
    all("table[data-state]", element).forEach(filterTable);
    all("li[data-tags]", element).forEach((item) => { item.hidden = !shown(tagsOf(item), item.dataset.state); });
    for (const block of all(".failure", element)) {
      block.hidden = all("li[data-tags]", block).every((item) => item.hidden);
    }
    all("figure.picture", element).forEach((picture) => { picture.hidden = !matches(tagsOf(picture)); });
    return runs.filter((_, at) => of(at)).length;
  };
  const filter = () => {
    const found = sections.map(filterSection).reduce((sum, count) => sum + count, 0);
    const whole = sections.reduce((sum, { runs }) => sum + runs.length, 0);
    for (const figure of liveCharts.figures) {
      figure.element.hidden = !figure.some(shown);
      figure.draw();
    }
    const active = words.length > 0 || state !== "";
    form.querySelector("output").textContent = active ? `${found} of ${whole} listed runs; means stay those of all` : "";
  };
  const read = () => {
    words = form.elements.text.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    state = form.elements.state.value;
    filter();
  };
  form.hidden = false;
  form.addEventListener("input", read);
  form.addEventListener("reset", () => setTimeout(read));
  form.addEventListener("submit", (event) => event.preventDefault());

  // Escape closes a picture that is shown whole.
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") document.querySelector("figure.picture:target .close")?.click();
  });
})();
