// Added to a copy of the page by look-at-page.sh, which reads what this writes. It measures what
// the browser has laid out: every point that a legend promises is there in its colour and inside
// the plot, no text is cut off and no two texts of a plot overlap.
addEventListener("load", () => {
  const faults = [];
  const plots = [...document.querySelectorAll("figure")];
  const inside = (box, frame) =>
    box.left >= frame.left - 1 && box.right <= frame.right + 1 &&
    box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1;
  const overlap = (a, b) =>
    Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
    Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2;
  // Bars are filled; lines are strokes, with a vertex for each point; their markers are neither.
  const points = (shape, colour) => {
    const style = getComputedStyle(shape);
    if (shape.tagName === "rect") return style.fill === colour && shape.getBBox().height > 0 ? 1 : 0;
    if (style.stroke !== colour || style.fill !== "none") return 0;
    if (shape.tagName === "line") return 2;
    return (shape.getAttribute("d") || "").match(/[MLCQ]/g)?.length ?? 0;
  };
  let all = 0;
  for (const plot of plots) {
    const name = plot.closest("section").id + " " + plot.querySelector("svg").getAttribute("aria-label");
    const frame = plot.querySelector("svg").getBoundingClientRect();
    if (frame.width < 100 || frame.height < 100) faults.push(name + ": it has no size");
    const shapes = [...plot.querySelectorAll("svg :is(rect, path, line, polyline, circle, ellipse)")]
      .filter((shape) => !shape.closest("defs"));
    for (const series of plot.querySelectorAll(".series")) {
      const colour = getComputedStyle(series.querySelector(".swatch")).backgroundColor;
      const promised = Number(series.dataset.points);
      const mine = shapes.filter((shape) => points(shape, colour) > 0);
      const drawn = mine.reduce((sum, shape) => sum + points(shape, colour), 0);
      const same = [...plot.querySelectorAll(".swatch")]
        .filter((swatch) => getComputedStyle(swatch).backgroundColor === colour).length;
      all += promised;
      if (promised === 0) faults.push(`${name}: ${series.textContent} has no points`);
      if (same > 1) faults.push(`${name}: ${series.textContent} shares its colour`);
      // A line of one point is a marker alone.
      else if (drawn !== promised && !(promised === 1 && drawn === 0 && shapes.length > 0))
        faults.push(`${name}: ${series.textContent} has ${drawn} points of ${promised}`);
      if (!mine.every((shape) => inside(shape.getBoundingClientRect(), frame)))
        faults.push(`${name}: ${series.textContent} leaves the plot`);
    }
    const texts = [...plot.querySelectorAll("svg text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
    for (const [words, box] of texts)
      if (!inside(box, frame)) faults.push(`${name}: "${words}" is cut off`);
    texts.forEach(([words, box], i) => {
      for (const [others, other] of texts.slice(i + 1))
        if (overlap(box, other)) faults.push(`${name}: "${words}" and "${others}" overlap`);
    });
  }
  for (const link of document.querySelectorAll("nav a"))
    if (!document.getElementById(decodeURIComponent(link.hash.slice(1))))
      faults.push(`${link.textContent}: the table of contents leads nowhere`);
  if (document.documentElement.scrollWidth > innerWidth + 1) faults.push("the page is wider than the window");
  const result = document.createElement("pre");
  result.id = "looked";
  result.textContent =
    faults.map((fault) => "fault: " + fault + "\n").join("") +
    `plots: ${plots.length}\npoints: ${all}\nfaults: ${faults.length}\nheight: ${document.documentElement.scrollHeight}\n`;
  document.body.append(result);
});
