(function () {
  "use strict";
  var all = function (what) { return Array.prototype.slice.call(document.querySelectorAll(what)); };
  var table = document.getElementById("table"), form = document.getElementById("filter");
  if (table) {
    var body = table.tBodies[0], rows = Array.prototype.slice.call(body.rows), first = rows.slice();
    var find = document.getElementById("find"), order = document.getElementById("order");
    var shown = document.getElementById("shown"), grid = document.getElementById("cards");
    var choices = all("#filter [data-by]"), texts = rows.map(function (row) { return row.textContent.toLowerCase(); });
    var card = function (row) { return document.getElementById(row.dataset.c); };
    var filter = function () {
      var words = find.value.trim().toLowerCase(), left = 0, columns = {};
      first.forEach(function (row, i) {
        var fits = texts[i].indexOf(words) >= 0 && choices.every(function (choice) {
          return !choice.value || row.dataset[choice.dataset.by] === choice.value;
        });
        row.hidden = !fits;
        if (fits) { left += 1; columns[row.dataset.c] = true; }
      });
      Array.prototype.forEach.call(grid.children, function (one) { one.hidden = !columns[one.id]; });
      shown.textContent = left === rows.length ? left + " findings" : left + " of " + rows.length + " findings";
    };
    var value = function (row, i) {
      var cell = row.cells[i], v = cell.dataset.v;
      return v === undefined ? cell.textContent.trim().toLowerCase() : v === "" ? null : Number(v);
    };
    var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
    // Orders rows, and the tiles by the first row of each; sign 0 is the first order, worst first.
    var sort = function (i, sign, size) {
      heads.forEach(function (head) { head.removeAttribute("aria-sort"); });
      rows = first.slice();
      if (sign) {
        heads[i].setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
        rows.sort(function (a, b) {
          var x = value(a, i), y = value(b, i);
          if (x === null || y === null) return (x === null) - (y === null);
          if (size) { x = Math.abs(x); y = Math.abs(y); }
          return sign * (typeof x === "number" ? x - y : x.localeCompare(y, undefined, { numeric: true }));
        });
      }
      var placed = {};
      rows.forEach(function (row) {
        body.appendChild(row);
        if (!placed[row.dataset.c]) { placed[row.dataset.c] = true; grid.appendChild(card(row)); }
      });
    };
    heads.forEach(function (head, i) {
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.title = "sort by " + head.textContent;
      head.textContent = "";
      head.appendChild(button);
      button.addEventListener("click", function () {
        var was = head.getAttribute("aria-sort");
        order.value = "";
        // A third click brings back the first order.
        sort(i, was === "descending" ? 0 : was === "ascending" ? -1 : 1, false);
      });
    });
    order.addEventListener("change", function () {
      var i = Number(order.value);
      if (order.value === "") sort(0, 0, false); else {
        var size = heads[i].textContent === "effect";
        sort(i, size ? -1 : 1, size);
      }
    });
    find.addEventListener("input", filter);
    choices.forEach(function (choice) { choice.addEventListener("change", filter); });
    form.addEventListener("reset", function () { setTimeout(function () { filter(); sort(0, 0, false); }); });
    form.hidden = false;
    filter();
  }
  var theme = document.getElementById("theme"), dark = document.getElementById("dark");
  var isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  var name = function () { theme.textContent = isDark ? "Light" : "Dark"; };
  theme.hidden = false;
  theme.title = "switch the page between light and dark";
  name();
  theme.addEventListener("click", function () {
    isDark = !isDark;
    dark.media = isDark ? "screen" : "not all";
    name();
  });
  // A link to a folded card, and paper, need it unfolded.
  var unfold = function () {
    var target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    var folded = target && target.closest("details");
    if (folded) { folded.hidden = false; folded.open = true; target.scrollIntoView(); }
  };
  addEventListener("hashchange", unfold);
  unfold();
  var opened = [];
  addEventListener("beforeprint", function () {
    // Two hundred stable columns stay small on paper, too.
    var few = all(".card").length <= 12;
    opened = all("details:not([open])").filter(function (d) { return few || !d.matches(".card.stable"); });
    opened.forEach(function (d) { d.open = true; });
  });
  addEventListener("afterprint", function () { opened.forEach(function (d) { d.open = false; }); });
})();
