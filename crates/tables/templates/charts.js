// Charts that answer the pointer and the filter, in place of the drawings of the page.
const liveCharts = (() => {
  "use strict";
  const DASHES = ["solid", [6, 4], [2, 3], [8, 3, 2, 3]];
  const number = (value) => (value === "inf" ? Infinity : value === "-inf" ? -Infinity : value);
  const told = (value) =>
    value === null || value === undefined ? "–" : typeof value === "string" ? value : String(Number(value.toPrecision(5)));

  // Colours as the style of the page has them now.
  const look = () => {
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(name).trim();
    return {
      text: of("--text"), soft: of("--soft"), grid: of("--grid"), page: of("--page"), faint: of("--faint"),
      font: getComputedStyle(document.body).fontFamily,
      series: [0, 1, 2, 3, 4, 5, 6, 7].map((n) => of(`--s${n}`)),
    };
  };

  // Where a value lies: what has no place is null, what lies beyond the axis is at its end.
  const place = (axis, value) => {
    let at = number(value);
    if (at === null) return null;
    if (axis.log) at = at > 0 ? Math.log10(at) : -Infinity;
    return Math.min(Math.max(at, axis.ends[0]), axis.ends[1]);
  };

  const axis = (of, colours, extra) => {
    const at = of.ticks.map(([tick]) => tick);
    const text = (value) => of.ticks.find(([tick]) => Math.abs(tick - value) < 1e-9 * (1 + Math.abs(tick)))?.[1] ?? "";
    return {
      type: "value", min: of.ends[0], max: of.ends[1], name: of.title,
      nameTextStyle: { color: colours.text, fontFamily: colours.font, fontWeight: 500, fontSize: 12 },
      axisLabel: { color: colours.soft, fontFamily: colours.font, fontSize: 12, formatter: text, customValues: at, hideOverlap: true },
      axisTick: { show: true, customValues: at, lineStyle: { color: colours.soft } },
      axisLine: { show: true, onZero: false, lineStyle: { color: colours.soft } },
      splitLine: { show: false },
      ...extra,
    };
  };

  const plane = (spec, colours) => {
    const longest = Math.max(...spec.y.ticks.map(([, text]) => text.length), 1);
    const at = spec.y.ticks.map(([tick]) => tick);
    const left = Math.max(34, longest * 6.8 + 18);
    return {
      animation: false,
      grid: { left, right: 16, top: 30, bottom: 42 },
      xAxis: axis(spec.x, colours, { nameLocation: "middle", nameGap: 26 }),
      yAxis: axis(spec.y, colours, {
        nameGap: 12,
        nameTextStyle: { color: colours.text, fontFamily: colours.font, fontWeight: 500, fontSize: 12, align: "left", padding: [0, 0, 0, 6 - left] },
        splitLine: { show: true, customValues: at, lineStyle: { color: colours.grid } },
        axisLine: { show: false, onZero: false }, axisTick: { show: false },
      }),
    };
  };

  // Text beside the pointer, made of elements so that no name becomes markup.
  const tip = (head, rows) => {
    const box = document.createElement("div");
    box.className = "tip";
    const title = document.createElement("strong");
    title.textContent = head;
    box.append(title);
    for (const [mark, text] of rows) {
      const row = document.createElement("div");
      if (mark) {
        const dot = document.createElement("i");
        dot.className = mark;
        row.append(dot);
      }
      row.append(text);
      box.append(row);
    }
    return box;
  };
  const tooltip = (colours, extra) => ({
    confine: true, backgroundColor: colours.page, borderColor: colours.soft, borderWidth: 1, padding: 8,
    textStyle: { color: colours.text, fontFamily: colours.font, fontSize: 12 }, transitionDuration: 0, ...extra,
  });

  const run = (figure, at) => figure.runs[at] ?? ["", "", []];
  const about = (figure, at, values) => {
    const [id, state, tags] = run(figure, at);
    return tip(`${id} ${state}`, [...values.map((text) => ["", text]), ...tags.map((tag) => ["", tag])]);
  };

  const kinds = {
    lines(spec, figure, colours, shown) {
      const { x, y } = spec;
      const series = [];
      spec.lines.forEach((line, at) => {
        if (!shown(line.tags, line.state, line.look)) return;
        const colour = line.look ? colours.series[line.look[0]] : colours.faint;
        if (line.low) {
          const edge = (values) => line.x.map((step, n) => [place(x, step), place(y, values[n])]).filter((p) => p[1] !== null);
          const outline = edge(line.high).concat(edge(line.low).reverse());
          series.push({
            type: "custom", silent: true, clip: true, data: [outline[0]], z: 1,
            renderItem: (_, api) => ({
              type: "polygon", silent: true, shape: { points: outline.map((p) => api.coord(p)) },
              style: { fill: colour, opacity: 0.18 },
            }),
          });
        }
        series.push({
          type: "line", name: line.name, id: `line-${at}`, showSymbol: line.x.length === 1, symbolSize: 5, symbol: "circle", z: line.look ? 3 : 2,
          data: line.x.map((step, n) => ({ value: [place(x, step), place(y, line.y[n])], line: at, point: n })),
          lineStyle: { color: colour, width: line.look ? 2 : 1, type: DASHES[line.look?.[1] ?? 0] },
          itemStyle: { color: colour }, emphasis: { disabled: true },
        });
      });
      // With many lines only those nearest to the pointer are told.
      const format = (items) => {
        const rows = items.filter((item) => item.seriesType === "line").map((item) => {
          const line = spec.lines[item.data.line];
          const [value, step] = [line.y[item.data.point], line.x[item.data.point]];
          const band = line.low ? ` (${told(line.low[item.data.point])} to ${told(line.high[item.data.point])})` : "";
          const away = Math.abs(figure.chart.convertToPixel({ yAxisIndex: 0 }, item.value[1]) - figure.pointer);
          return { away, step, row: [line.look ? `dot s${line.look[0]}` : "dot faint", `${line.name}: ${told(value)}${band}`] };
        });
        rows.sort((a, b) => a.away - b.away);
        const most = 8;
        const more = rows.length > most ? [["", `and ${rows.length - most} more`]] : [];
        return tip(`${x.title} ${told(rows[0]?.step)}`, [...rows.slice(0, most).map((one) => one.row), ...more]);
      };
      const pointer = { type: "line", lineStyle: { color: colours.soft }, label: { show: false } };
      return { ...plane(spec, colours), tooltip: tooltip(colours, { trigger: "axis", axisPointer: pointer, formatter: format }), series };
    },

    points(spec, figure, colours, shown) {
      const dots = spec.dots.filter(([, , at]) => shown(run(figure, at)[2], run(figure, at)[1]));
      const data = dots.map(([x, y, at, strong, finished]) => {
        const colour = colours.series[strong];
        const style = finished ? { color: colour, opacity: 0.8 } : { color: "transparent", borderColor: colour, borderWidth: 1.5 };
        return { value: [place(spec.x, x), place(spec.y, y)], raw: [x, y], run: at, itemStyle: style };
      });
      const format = ({ data: dot }) => dot.raw && about(figure, dot.run, [`${spec.y.title}: ${told(dot.raw[1])}`]);
      return {
        ...plane(spec, colours),
        tooltip: tooltip(colours, { trigger: "item", formatter: format }),
        series: [
          {
            type: "line", silent: true, showSymbol: false, z: 2, data: spec.front.map(([x, y]) => [place(spec.x, x), place(spec.y, y)]),
            lineStyle: { color: colours.series[1], width: 2 }, emphasis: { disabled: true }, tooltip: { show: false },
          },
          { type: "scatter", symbolSize: 9, data, z: 3 },
        ],
      };
    },

    parallel(spec, figure, colours, shown) {
      const paths = spec.paths.filter(([at]) => shown(run(figure, at)[2], run(figure, at)[1]));
      const data = (wanted) => paths.filter(([, strong]) => strong === wanted).map(([at, , ...values]) => ({
        value: values.map((value, n) => place(spec.axes[n], value)), run: at, raw: values,
      }));
      const format = ({ data: path }) =>
        about(figure, path.run, [`${spec.axes.at(-1).title}: ${told(path.raw.at(-1))}`]);
      const series = (wanted, colour, width, opacity) => ({
        type: "parallel", data: data(wanted), z: 2 + wanted, inactiveOpacity: 0.04, activeOpacity: 1,
        lineStyle: { color: colour, width, opacity }, emphasis: { lineStyle: { width: 3, opacity: 1 } },
      });
      const title = { fontSize: 12, fontWeight: 500, fontFamily: colours.font, color: colours.text, overflow: "truncate" };
      return {
        animation: false,
        tooltip: tooltip(colours, { trigger: "item", formatter: format }),
        parallel: { left: 60, right: 70, top: 34, bottom: 18 },
        parallelAxis: spec.axes.map((one, dim) => ({ dim, ...axis(one, colours, { nameGap: 14, nameTextStyle: title, nameTruncate: { maxWidth: 110 } }) })),
        series: [series(0, colours.faint, 1, 0.8), series(1, colours.series[1], 2, 1)],
      };
    },
  };

  class Figure {
    constructor(element, runs) {
      this.element = element;
      this.spec = JSON.parse(element.dataset.chart);
      this.runs = runs;
      this.group = element.closest(".curves");
      this.pointer = 0;
    }

    // Whether anything of it passes the filter.
    some(shown) {
      const { spec } = this;
      const ofRun = (at) => shown(run(this, at)[2], run(this, at)[1]);
      if (spec.kind === "lines") return spec.lines.some((line) => shown(line.tags, line.state));
      return spec.kind === "points" ? spec.dots.some((dot) => ofRun(dot[2])) : spec.paths.some((path) => ofRun(path[0]));
    }

    open() {
      if (this.chart) return;
      const box = document.createElement("div");
      box.className = "live";
      box.setAttribute("role", "img");
      box.setAttribute("aria-label", this.element.querySelector("desc").textContent);
      this.element.append(box);
      this.element.classList.add("is-live");
      this.chart = echarts.init(box, null, { renderer: "svg" });
      this.chart.getZr().on("mousemove", (event) => { this.pointer = event.offsetY; });
      this.draw();
      new ResizeObserver(() => this.chart.resize()).observe(box);
    }

    draw() {
      if (!this.chart) return;
      const hidden = this.group?.hiddenLooks ?? new Set();
      const shown = (tags, state, look) => liveCharts.shown(tags, state) && !(look && hidden.has(look.join(" ")));
      this.chart.setOption(kinds[this.spec.kind](this.spec, this, look(), shown), { notMerge: true });
    }
  }

  const figures = [];
  // Charts are drawn when they come near the window: a page may have a hundred of them.
  const near = new IntersectionObserver((entries) => {
    for (const entry of entries.filter((one) => one.isIntersecting)) {
      near.unobserve(entry.target);
      entry.target.figure.open();
    }
  }, { rootMargin: "800px" });
  return {
    figures,
    // Whether something with these tags and this state passes the filter; the page's script knows.
    shown: () => true,
    add(element, runs) {
      element.figure = new Figure(element, runs);
      figures.push(element.figure);
      near.observe(element);
    },
    draw() { figures.forEach((figure) => figure.draw()); },
  };
})();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => liveCharts.draw());
