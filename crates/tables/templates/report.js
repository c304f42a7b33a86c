
"use strict";
// Numbers by value and before text, text by its letters; what is missing stays at the end.
const order = (a, b, direction) => {
  const [x, y] = [a, b].map((text) => (text === "" || text === "–" ? null : text));
  if (x === null || y === null) return (x === null) - (y === null);
  const [m, n] = [Number(x), Number(y)];
  if (!Number.isNaN(m) && !Number.isNaN(n)) return direction * (m - n);
  if (Number.isNaN(m) !== Number.isNaN(n)) return direction * (Number.isNaN(m) ? 1 : -1);
  return direction * x.localeCompare(y, "en", { numeric: true });
};
for (const table of document.querySelectorAll("table.sortable")) {
  const headers = [...table.tHead.rows[0].cells];
  headers.forEach((header, column) => {
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
