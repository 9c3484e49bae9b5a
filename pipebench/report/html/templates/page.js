"use strict";
// Sorting and filtering of the page's tables. Without it everything can still be read.

/** The cell's number where it has one, or else its text; an empty cell has neither. */
function key(row, column) {
  const cell = row.cells[column];
  if (cell.dataset.v !== undefined) return Number(cell.dataset.v);
  return cell.textContent.trim();
}

/** Numbers before texts, and whatever is empty last in either direction. */
function compare(a, b, sign) {
  if (a === "" || b === "") return a === b ? 0 : a === "" ? 1 : -1;
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
  return sign * a.localeCompare(b, "en", { numeric: true });
}

function sort(table, column, sign) {
  const body = table.tBodies[0];
  const rows = Array.from(body.rows, (row) => [key(row, column), row]);
  rows.sort((one, other) => compare(one[0], other[0], sign));
  body.append(...rows.map(([, row]) => row));
  Array.from(table.tHead.rows[0].cells, (head, number) => {
    const direction = sign > 0 ? "ascending" : "descending";
    head.setAttribute("aria-sort", number === column ? direction : "none");
  });
}

function makeSortable(table) {
  Array.from(table.tHead.rows[0].cells, (head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    head.setAttribute("aria-sort", "none");
    button.addEventListener("click", () => {
      const descending = head.getAttribute("aria-sort") === "ascending";
      sort(table, column, descending ? -1 : 1);
    });
  });
}

function makeFilter(input, output, table) {
  const rows = Array.from(table.tBodies[0].rows);
  const texts = rows.map((row) => Array.from(row.cells, (cell) => cell.textContent).join(" ").toLowerCase());
  const show = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    rows.forEach((row, number) => {
      row.hidden = !words.every((word) => texts[number].includes(word));
      found += row.hidden ? 0 : 1;
    });
    output.textContent = `${found} of ${rows.length}`;
  };
  input.addEventListener("input", show);
  show();
  input.closest(".tools").hidden = false;
}

/** A link into a closed card opens it, and one to a trial that is filtered out shows it. */
function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  if (target.tagName === "DETAILS") target.open = true;
  target.hidden = false;
  target.scrollIntoView();
}

document.querySelectorAll("table.sortable").forEach(makeSortable);
makeFilter(
  document.getElementById("filter"),
  document.getElementById("found"),
  document.getElementById("all-trials"),
);
window.addEventListener("hashchange", reveal);
reveal();
