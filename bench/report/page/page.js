"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const runs = data.runs;
  const pair = runs.length > 1;
  const ns = "http://www.w3.org/2000/svg";
  const seconds = Math.max(1e-3, ...runs.map((r) => r.seconds));

  // Numbers as people read them.
  const trim = (v, digits) => String(Number(v.toFixed(digits)));
  const digitsOf = (v) => (v === 0 ? 0 : Math.max(0, Math.min(3, 2 - Math.floor(Math.log10(Math.abs(v))))));
  const round = (v) => (Math.abs(v) >= 1000 ? Math.round(v).toLocaleString("en") : trim(v, digitsOf(v)));
  const count = (v) => (v >= 1e6 ? round(v / 1e6) + " M" : v >= 1e4 ? round(v / 1e3) + " k" : round(v));
  const millis = (v) => (v === 0 ? "0" : v < 1 ? round(v * 1000) + " µs" : v < 1000 ? round(v) + " ms" : round(v / 1000) + " s");
  const bytes = (v) => {
    for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 1024]]) if (v >= size) return round(v / size) + " " + unit;
    return round(v) + " B";
  };
  const clock = (s, digits = 1) => (seconds < 180 ? trim(s, digits) + " s" : Math.floor(s / 60) + ":" + String(Math.floor(s % 60)).padStart(2, "0"));
  const percent = (x) => (x === 0 ? "0 %" : trim(100 * (1 - 10 ** -x), Math.max(0, Math.ceil(x) - 2)) + " %");

  const node = (name, attributes, parent) => {
    const e = document.createElementNS(ns, name);
    for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
    if (parent) parent.append(e);
    return e;
  };
  const tag = (name, text, parent) => {
    const e = document.createElement(name);
    if (text !== "") e.textContent = text;
    if (parent) parent.append(e);
    return e;
  };

  // Axes: where the lines are, in the values' own terms.
  const steps = (top, wanted) => {
    const raw = top / wanted, power = 10 ** Math.floor(Math.log10(raw));
    return power * [1, 2, 2.5, 5, 10].find((m) => m * power >= raw - 1e-12);
  };
  const linear = (top, wanted) => {
    if (!(top > 0)) top = 1;
    const step = steps(top, wanted), ticks = [];
    const end = Math.ceil(top / step - 1e-9) * step;
    for (let v = 0; v <= end + step / 2; v += step) ticks.push(v);
    return { ticks, at: (v) => v / end };
  };
  const binary = (top, wanted) => {
    const unit = [2 ** 30, 2 ** 20, 1024].find((u) => top >= u) || 1;
    const axis = linear(top / unit, wanted);
    return { ticks: axis.ticks.map((t) => t * unit), at: (v) => axis.at(v / unit) };
  };
  const logarithmic = (values) => {
    const seen = values.filter((v) => v > 0);
    if (seen.length === 0) return linear(1, 4);
    let low = Math.floor(Math.log10(Math.min(...seen)) * 3) / 3, high = Math.ceil(Math.log10(Math.max(...seen)) * 3) / 3;
    if (high - low < 1) { const middle = (low + high) / 2; low = middle - 0.5; high = middle + 0.5; }
    const ticks = [], parts = high - low > 2.4 ? [1] : high - low > 1.4 ? [1, 3] : [1, 2, 5];
    for (let p = Math.floor(low); p <= high; p++) for (const m of parts) {
      const v = m * 10 ** p;
      if (Math.log10(v) >= low - 1e-9 && Math.log10(v) <= high + 1e-9) ticks.push(v);
    }
    return { ticks, at: (v) => Math.max(0, (Math.log10(Math.max(v, 1e-12)) - low) / (high - low)) };
  };

  const tip = tag("div", "", document.body);
  tip.id = "tip";
  tip.hidden = true;
  const own = ["var(--a)", "var(--b)"];
  const timed = []; // charts whose crosshairs go together

  const chart = (id, spec) => {
    const figure = document.getElementById(id);
    if (!figure) return;
    spec.series = spec.series.filter((s) => s.points.length > 0);
    if (spec.series.length === 0) { figure.remove(); return; }
    const legend = tag("span", "", figure.querySelector("figcaption"));
    legend.className = "legend";
    for (const s of spec.series.length > 1 || spec.series[0].say ? spec.series : []) {
      const item = tag("span", "", legend), swatch = tag("i", "", item);
      if (s.style || s.stems) swatch.className = s.stems ? "box" : s.style;
      swatch.style[s.stems ? "background" : s.style ? "color" : "borderColor"] = s.colour;
      swatch.style.opacity = s.opacity || 1;
      item.append(s.name);
    }
    const box = figure.querySelector(".plot");
    const me = { spec, cross: () => {}, width: 0 };
    if (!spec.percentile) timed.push(me);
    const draw = () => {
      const width = Math.round(box.clientWidth);
      if (width < 10 || width === me.width) return;
      me.width = width;
      box.replaceChildren();
      render(me, box, width);
    };
    new ResizeObserver(() => requestAnimationFrame(draw)).observe(box);
    draw();
  };

  const render = (me, box, width) => {
    const spec = me.spec, height = width < 420 ? 200 : 230;
    const all = spec.series.flatMap((s) => s.points.map((p) => p[1]));
    const wanted = 4;
    const y = spec.log ? logarithmic(all) : (spec.binary ? binary : linear)(Math.max(spec.least || 0, ...all) * 1.04, wanted);
    const svg = node("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": me.spec.label }, box);
    // The room that the numbers on the left need is theirs.
    const labels = y.ticks.map((t) => spec.say(t));
    let wide = 0;
    for (const l of labels) {
      const probe = node("text", { x: 0, y: -99 }, svg);
      probe.textContent = l;
      wide = Math.max(wide, probe.getBBox().width);
      probe.remove();
    }
    const left = Math.ceil(wide) + 8, right = 8, top = spec.percentile ? 8 : 14, bottom = 24;
    const w = width - left - right, h = height - top - bottom;
    const end = spec.percentile ? Math.max(1, ...spec.series.flatMap((s) => s.points.map((p) => p[0]))) : seconds;
    const X = (v) => left + (v / end) * w;
    const Y = (v) => top + h - Math.max(0, Math.min(1, y.at(v))) * h;

    y.ticks.forEach((t, i) => {
      const line = Math.round(Y(t)) + 0.5;
      node("line", { class: i === 0 && !spec.log ? "axis" : "gridline", x1: left, x2: width - right, y1: line, y2: line }, svg);
      const text = node("text", { x: left - 7, y: Y(t) + 4, "text-anchor": "end" }, svg);
      text.textContent = labels[i];
    });
    const ticks = spec.percentile ? percentTicks(end, w) : timeTicks(end, w);
    const digits = fineness(ticks); // no two ticks read the same
    for (const t of ticks) {
      if (spec.percentile) node("line", { class: "gridline", x1: Math.round(X(t)) + 0.5, x2: Math.round(X(t)) + 0.5, y1: top, y2: top + h }, svg);
      const near = X(t) > width - 24 ? "end" : X(t) < left + 8 ? "start" : "middle";
      const text = node("text", { x: near === "end" ? width - 1 : X(t), y: height - 6, "text-anchor": near }, svg);
      text.textContent = spec.percentile ? percent(t) : clock(t, digits);
    }
    if (!spec.percentile) marks(svg, X, top, h);

    for (const s of spec.series) {
      const shown = s.points;
      if (s.stems) { stems(svg, s, shown, X, Y, top + h, w); continue; }
      const path = shown.map((p, i) => (i === 0 || p[2] ? "M" : "L") + X(p[0]).toFixed(1) + " " + Y(p[1]).toFixed(1)).join("");
      if (s.area && shown.length > 1) {
        const under = node("path", { class: "area", d: `${path}L${X(shown[shown.length - 1][0]).toFixed(1)} ${top + h}L${X(shown[0][0]).toFixed(1)} ${top + h}Z` }, svg);
        under.style.fill = s.colour;
      }
      if (shown.length === 1) {
        node("circle", { cx: X(shown[0][0]), cy: Y(shown[0][1]), r: 3 }, svg).style.fill = s.colour;
        continue;
      }
      const line = node("path", { class: "line " + (s.style || ""), d: path }, svg);
      line.style.stroke = s.colour;
      line.style.opacity = s.opacity || 1;
    }
    point(me, svg, { left, top, w, h, end, X, Y });
  };

  const stems = (svg, s, points, X, Y, floor, w) => {
    const wide = Math.max(1.5, Math.min(9, ((w / Math.max(1, seconds)) * 0.55) / s.of)); // a sample is a second's
    for (const p of points) {
      if (p[1] <= 0) continue;
      const x = Math.max(X(0), X(p[0]) + (s.index - s.of / 2) * wide);
      node("rect", { x: x.toFixed(1), y: Y(p[1]).toFixed(1), width: wide.toFixed(1), height: Math.max(1, floor - Y(p[1])).toFixed(1), rx: Math.min(1.5, wide / 3) }, svg).style.fill = s.colour;
    }
  };

  const timeTicks = (end, w) => {
    const wanted = Math.max(2, Math.floor(w / 80));
    const step = seconds < 180 ? steps(end, wanted) : [30, 60, 120, 300, 600, 1800, 3600].find((s) => end / s <= wanted) || 7200;
    const ticks = [];
    for (let t = 0; t <= end + 1e-9; t += step) ticks.push(t);
    return ticks;
  };
  const fineness = (ticks) => [0, 1, 2].find((d) => ticks.every((t) => Math.abs(t - Number(t.toFixed(d))) < 1e-6)) ?? 3;
  const percentTicks = (end, w) => {
    const ticks = [0];
    if (w / end > 220) ticks.push(Math.log10(2));
    for (let x = 1; x <= end + 1e-9; x++) ticks.push(x);
    return ticks;
  };

  // Changes of ownership, those that are close together as one.
  const colourOf = { moved: "var(--s3)", claimed: "var(--s2)", lost: "var(--bad)" };
  const groups = (X) => {
    const out = [];
    runs.forEach((r, i) => {
      for (const c of r.ownership) {
        if (c.at < 0 || c.at > seconds) continue;
        const x = X(c.at), last = out[out.length - 1];
        if (last && last.run === i && x - last.x < 7) last.changes.push(c);
        else out.push({ run: i, x, changes: [c] });
      }
    });
    return out;
  };
  const worst = (changes) => ["lost", "claimed", "moved"].find((how) => changes.some((c) => c.how === how));
  const marks = (svg, X, top, h) => {
    for (const g of groups(X)) {
      const colour = pair ? own[g.run] : colourOf[worst(g.changes)];
      const x = g.x.toFixed(1), left = (g.x - 4.5).toFixed(1);
      node("line", { class: "mark", x1: x, x2: x, y1: top - 3, y2: top + h }, svg).style.stroke = colour;
      // The second run's stand on the axis: in the same moment, both are seen.
      node("path", { class: "flag", d: g.run ? `M${left} ${top + h + 9}h9l-4.5 -8z` : `M${left} ${top - 12}h9l-4.5 8z` }, svg).style.fill = colour;
    }
  };

  // The crosshair, and what it shows.
  const nearest = (points, x) => {
    let best = null;
    for (const p of points) if (best === null || Math.abs(p[0] - x) < Math.abs(best[0] - x)) best = p;
    return best;
  };
  const point = (me, svg, f) => {
    const line = node("line", { class: "cross", y1: f.top, y2: f.top + f.h, visibility: "hidden" }, svg);
    const beads = me.spec.series.map((s) => {
      const bead = node("circle", { class: "bead", r: 3.6, visibility: "hidden" }, svg);
      bead.style.fill = s.colour;
      return bead;
    });
    me.cross = (x) => {
      const seen = x !== null && x >= 0 && x <= f.end;
      for (const e of [line, ...beads]) e.setAttribute("visibility", seen ? "visible" : "hidden");
      if (!seen) return;
      line.setAttribute("x1", f.X(x));
      line.setAttribute("x2", f.X(x));
      me.spec.series.forEach((s, i) => {
        const p = nearest(s.points, x);
        beads[i].setAttribute("cx", f.X(p[0]));
        beads[i].setAttribute("cy", f.Y(p[1]));
        if (s.stems) beads[i].setAttribute("visibility", "hidden");
      });
    };
    const hide = () => {
      tip.hidden = true;
      for (const c of me.spec.percentile ? [me] : timed) c.cross(null);
    };
    const show = (event) => {
      const box = svg.getBoundingClientRect(), scale = me.width / box.width;
      const x = Math.max(0, Math.min(f.end, (((event.clientX - box.left) * scale - f.left) / f.w) * f.end));
      for (const c of me.spec.percentile ? [me] : timed) c.cross(x);
      tip.replaceChildren();
      tag("b", me.spec.percentile ? percent(x) : clock(x), tip);
      for (const s of me.spec.series) {
        const row = tag("div", "", tip), name = tag("span", "", row), dot = tag("i", "", name);
        dot.style.background = s.colour;
        dot.style.opacity = s.opacity || 1;
        name.append(s.name);
        tag("span", me.spec.say(nearest(s.points, x)[1]) + (me.spec.unit || ""), row);
      }
      if (!me.spec.percentile) for (const g of groups(f.X)) {
        if (Math.abs(g.x - f.X(x)) > 7) continue;
        for (const c of g.changes.slice(0, 6)) {
          const row = tag("div", "", tip);
          tag("span", (pair ? "AB"[g.run] + ": " : "") + `shard ${c.shard} ${c.how}`, row);
          tag("span", [c.from, c.to].map((n) => n || "nobody").join(" → ") + (c.stall_ms ? ", " + millis(c.stall_ms) : ""), row);
        }
        if (g.changes.length > 6) tag("div", `and ${g.changes.length - 6} more`, tip);
      }
      tip.hidden = false;
      const wide = tip.offsetWidth, high = tip.offsetHeight;
      tip.style.left = Math.max(6, event.clientX + 16 + wide > innerWidth ? event.clientX - 16 - wide : event.clientX + 16) + "px";
      tip.style.top = Math.max(6, Math.min(innerHeight - high - 6, event.clientY - high / 2)) + "px";
    };
    svg.addEventListener("pointermove", show);
    svg.addEventListener("pointerdown", show);
    svg.addEventListener("pointerleave", hide);
    svg.addEventListener("pointercancel", hide);
  };

  // What is shown.
  const palette = ["var(--s1)", "var(--s2)", "var(--s3)", "var(--s4)", "var(--s5)", "var(--s6)"];
  const letter = (i) => (pair ? "AB"[i] + " " : "");
  const middle = (s) => s.at + s.seconds / 2;
  // A stretch stands at its middle; one that is alone, over all of it.
  const along = (stretches, value) => (stretches.length === 1
    ? [stretches[0].at, stretches[0].at + stretches[0].seconds].map((at) => [at, value(stretches[0])])
    : stretches.map((s) => [middle(s), value(s)]));
  const over = (f) => runs.flatMap((r, i) => f(r, i));
  const series = (name, colour, points, more) => ({ name, colour, points: points.filter((p) => Number.isFinite(p[1])), ...more });

  const asked = (r) => (r.series.some((s) => s.due) ? "due" : "sent");
  chart("throughput", {
    label: "Requests a second over time", say: count, unit: "/s",
    series: over((r, i) => [
      series(letter(i) + "done", pair ? own[i] : palette[0], along(r.series, (s) => s.done / s.seconds), { area: !pair, say: true }),
      series(letter(i) + asked(r), pair ? own[i] : palette[3], along(r.series.filter((s) => s[asked(r)]), (s) => s[asked(r)] / s.seconds), { style: "dash", opacity: pair ? 0.55 : 0.9 }),
    ]),
  });
  const lines = pair ? [["p50", "dash", 0.8], ["p99", "", 1]] : [["p50", "", 1], ["p90", "", 1], ["p99", "", 1], ["max", "dot", 1]];
  chart("latency", {
    label: "Latency over time", say: millis, log: true,
    series: over((r, i) => lines.map(([name, style, opacity], k) =>
      series(letter(i) + name, pair ? own[i] : [palette[1], palette[0], palette[2], palette[4]][k],
        along(r.series.filter((s) => s[name] > 0), (s) => s[name]), { style, opacity, say: true }))),
  });
  chart("percentiles", {
    label: "Latency by percentile", say: millis, log: true, percentile: true,
    series: runs.map((r, i) => series(pair ? "AB"[i] : "latency", own[i], r.percentiles || [], { area: false })),
  });
  const codes = pair ? [] : [...new Set(runs[0].series.flatMap((s) => Object.keys(s.errors || {})))].sort();
  const sum = (errors) => Object.values(errors || {}).reduce((a, b) => a + b, 0);
  chart("errors", {
    label: "Errors a second over time", say: count, unit: "/s",
    series: pair
      ? runs.filter((r) => r.series.some((s) => s.errors)).map((r) => series("AB"[runs.indexOf(r)], own[runs.indexOf(r)], along(r.series, (s) => sum(s.errors) / s.seconds)))
      : codes.map((code, k) => series(code, palette[(k + 3) % palette.length], along(runs[0].series, (s) => ((s.errors || {})[code] || 0) / s.seconds), { say: true })),
  });

  // Nodes: each by itself, or, of two runs, all of each together.
  const nodes = over((r, i) => (pair ? (r.all ? [{ name: "AB"[i], samples: r.all, colour: own[i] }] : [])
    : r.nodes.map((n, k) => ({ name: n.name, samples: n.samples, colour: palette[k % palette.length] }))));
  const ofNodes = (f, more) => nodes.map((n) => {
    let last = 0;
    return series(n.name, n.colour, n.samples.filter((s) => s.at > 0).map((s) => {
      const unseen = s.at - s.seconds - last > 1.5; // a line would tell what nobody knows
      last = s.at;
      return [Math.min(seconds, f.end ? s.at : Math.max(0, s.at - s.seconds / 2)), f.of(s), unseen];
    }), more);
  });
  chart("cpu", { label: "Processor cores in use over time", say: round, unit: " cores", least: 0.1, series: ofNodes({ of: (s) => s.cores }, { area: nodes.length === 1 }) });
  chart("memory", {
    label: "Memory over time", say: bytes, binary: true,
    series: [
      ...ofNodes({ end: true, of: (s) => s.rss }).map((s) => ({ ...s, name: nodes.length > 1 ? s.name : "occupied", say: true })),
      ...(nodes.length > 2 ? [] : ofNodes({ end: true, of: (s) => s.heap || NaN }, { style: "dash", opacity: 0.7 })).map((s) => ({ ...s, name: nodes.length > 1 ? s.name + " heap" : "heap" })),
    ],
  });
  chart("pauses", {
    label: "Garbage collection pauses over time", say: millis,
    series: ofNodes({ of: (s) => (s.gc_pause_ms || 0) / Math.max(s.seconds, 0.1) }).map((s, index, all) => ({ ...s, stems: true, index, of: all.length })),
  });
  chart("commits", {
    label: "Records a commit over time", say: count, least: 1,
    series: ofNodes({ of: (s) => (s.commits ? s.commit_records / s.commits : NaN) }, { area: nodes.length === 1 }),
  });
  chart("committime", {
    label: "Mean time of a commit over time", say: millis,
    series: ofNodes({ of: (s) => (s.commits ? s.commit_ms / s.commits : NaN) }, { area: nodes.length === 1 }),
  });
  document.body.dataset.drawn = String(document.querySelectorAll(".plot svg").length);
})();
