// Sorts and filters the table of all series, and opens the description that a link leads to. The page is whole without it.
"use strict";
(() => {
  const open = () => {
    let name = location.hash.slice(1);
    // What is not encoded may be meant as it is.
    try { name = decodeURIComponent(name); } catch { /* it is no link of this page */ }
    const place = document.getElementById(name);
    if (place instanceof HTMLDetailsElement) { place.open = true; place.scrollIntoView(); }
  };
  addEventListener("hashchange", open);
  open();

  const table = document.getElementById("all");
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.rows];

  const filter = document.getElementById("filter");
  const shown = document.getElementById("shown");
  filter.addEventListener("input", () => {
    const wanted = filter.value.toLowerCase();
    let count = 0;
    for (const row of rows) {
      row.hidden = !row.cells[0].textContent.toLowerCase().includes(wanted);
      count += row.hidden ? 0 : 1;
    }
    shown.textContent = wanted ? `${count} of ${rows.length}` : "";
  });
  filter.closest(".controls").hidden = false;

  const key = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.value ?? cell.textContent;
    if (!cell.classList.contains("number") && cell.dataset.value === undefined) return text.toLowerCase();
    // What is not there comes last either way.
    return text === "" ? NaN : Number(text.replace("inf", "Infinity"));
  };
  const compare = (one, other) => (typeof one === "string" ? one.localeCompare(other) : one - other);
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      // Numbers are looked at from the largest on, names from the first.
      const first = head.classList.contains("number") ? "descending" : "ascending";
      const second = first === "ascending" ? "descending" : "ascending";
      const direction = head.getAttribute("aria-sort") === first ? second : first;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", direction);
      const keyed = rows.map((row) => [key(row, column), row]);
      keyed.sort(([one], [other]) => {
        if (Number.isNaN(one) || Number.isNaN(other)) return Number.isNaN(one) - Number.isNaN(other);
        return direction === "ascending" ? compare(one, other) : compare(other, one);
      });
      body.append(...keyed.map(([, row]) => row));
    });
  });
})();
