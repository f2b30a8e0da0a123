(function () {
  "use strict";
  var table = document.getElementById("table");
  if (table) {
    var body = table.tBodies[0], rows = Array.prototype.slice.call(body.rows), first = rows.slice();
    var find = document.getElementById("find"), status = document.getElementById("status");
    var shown = document.getElementById("shown");
    var filter = function () {
      var words = find.value.toLowerCase(), left = 0;
      rows.forEach(function (row) {
        var fits = (!status.value || row.dataset.s === status.value) && row.textContent.toLowerCase().indexOf(words) >= 0;
        row.hidden = !fits;
        if (fits) left += 1;
      });
      shown.textContent = left === rows.length ? left + " findings" : left + " of " + rows.length + " findings";
    };
    var value = function (row, i) {
      var cell = row.cells[i], v = cell.dataset.v;
      return v === undefined ? cell.textContent.trim().toLowerCase() : v === "" ? null : Number(v);
    };
    var heads = Array.prototype.slice.call(table.tHead.rows[0].cells);
    heads.forEach(function (head, i) {
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      button.title = "sort by " + head.textContent;
      head.textContent = "";
      head.appendChild(button);
      button.addEventListener("click", function () {
        var was = head.getAttribute("aria-sort");
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        // A third click brings back the first order: worst first.
        if (was === "descending") { rows = first.slice(); } else {
          var sign = was === "ascending" ? -1 : 1;
          head.setAttribute("aria-sort", sign > 0 ? "ascending" : "descending");
          rows = first.slice().sort(function (a, b) {
            var x = value(a, i), y = value(b, i);
            if (x === null || y === null) return (x === null) - (y === null);
            return sign * (typeof x === "number" ? x - y : x.localeCompare(y, undefined, { numeric: true }));
          });
        }
        rows.forEach(function (row) { body.appendChild(row); });
      });
    });
    document.querySelector(".filter").hidden = false;
    find.addEventListener("input", filter);
    status.addEventListener("change", filter);
    filter();
  }
  // A link to a folded card, and paper, need it unfolded.
  var unfold = function () {
    var target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    var folded = target && target.closest("details");
    if (folded && !folded.open) { folded.open = true; target.scrollIntoView(); }
  };
  addEventListener("hashchange", unfold);
  unfold();
  addEventListener("beforeprint", function () {
    document.querySelectorAll("details").forEach(function (d) { d.open = true; });
  });
})();
