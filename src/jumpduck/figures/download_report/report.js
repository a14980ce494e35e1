"use strict";
// What comes from data is written as text, never as HTML.
(() => {
  const content = JSON.parse(document.getElementById("content").textContent);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const PAGE_ROWS = 50;
  const ERRORS_ONLY = 1; // of Vega's levels
  const MAX_MAP_PIXELS = 480;
  const MAX_WELL_PIXELS = 40;
  const MAX_COLUMNS = 1000; // of a plate
  const MEASURES = { mean: "Mean grey level", focus: "Focus", saturated: "Saturated pixels" };
  const FAULTS = ["failed", "missing", "corrupt"];
  const MARKS = content.charts.marks;
  const [NO_VALUE, NO_IMAGE] = MARKS.states;

  const byId = (id) => document.getElementById(id);
  const element = (name, properties = {}, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };
  const values = (column) => {
    if (Array.isArray(column)) return column;
    if ("rows" in column) return Array(column.rows).fill(column.same);
    if (column.texts) return column.numbers.map((one) => (one === null ? null : column.texts[one]));
    return column.values.map((one) => (one === null ? null : one * column.scale));
  };
  // a role or well may be called constructor, which each object has
  const ownOf = (object, name) => (Object.hasOwn(object, name) ? object[name] : undefined);
  const columns = (frame) =>
    Object.fromEntries(Object.entries(frame).map(([name, column]) => [name, values(column)]));
  const numberText = (value) => {
    if (value === null || value === undefined) return "";
    if (Number.isInteger(value)) return value.toLocaleString("en");
    return value.toLocaleString("en", { maximumSignificantDigits: 4 });
  };
  const percentText = (value) =>
    value === null ? "" : value.toLocaleString("en", { style: "percent", maximumFractionDigits: 3 });
  const measureText = (measure, value) =>
    measure === "saturated" ? percentText(value) : numberText(value);

  const plates = columns(content.plates);
  const channels = content.channels;
  const plateName = (number) =>
    [plates.source[number], plates.batch[number], plates.plate[number]].join(" / ");

  // A table that is sorted by the buttons of its header and filtered by its search field.
  // columns: {title, values, kind: "text" or "number" or "long", text, open}
  function table(place, caption, rows, shownColumns, changed = () => {}) {
    const state = { column: null, descending: false, shown: PAGE_ROWS, found: [] };
    const id = `${place.id}-search`;
    const search = element("input", { type: "search", id, autocomplete: "off" });
    const count = element("span", { role: "status" });
    const body = element("tbody");
    const more = element("button", { type: "button", hidden: true });
    const texts = shownColumns.map((column) => {
      const text = column.text ?? (column.kind === "number" ? numberText : (value) => value ?? "");
      return (row) => String(text(column.values[row], row));
    });
    const heads = shownColumns.map((column, number) => {
      const button = element("button", { type: "button", textContent: column.title });
      const head = element("th", { scope: "col", className: column.kind }, button);
      button.addEventListener("click", () => {
        state.descending = state.column === number ? !state.descending : column.kind === "number";
        state.column = number;
        heads.forEach((one) => one.removeAttribute("aria-sort"));
        head.setAttribute("aria-sort", state.descending ? "descending" : "ascending");
        update();
      });
      return head;
    });
    const cell = (column, number, row) => {
      const made = element(number ? "td" : "th", { className: column.kind });
      if (!number) made.scope = "row";
      if (column.open) {
        const button = element("button", { type: "button", textContent: texts[number](row) });
        button.addEventListener("click", () => column.open(row));
        made.append(button);
      } else {
        made.textContent = texts[number](row);
      }
      return made;
    };
    const draw = () => {
      body.replaceChildren(
        ...state.found.slice(0, state.shown).map((row) =>
          element("tr", {}, ...shownColumns.map((column, number) => cell(column, number, row))),
        ),
      );
      const left = state.found.length - state.shown;
      more.hidden = left <= 0;
      more.textContent = `Show ${Math.min(left, PAGE_ROWS)} more rows`;
      const all = rows.length.toLocaleString("en");
      const found = state.found.length.toLocaleString("en");
      const word = rows.length === 1 ? "row" : "rows";
      count.textContent = found === all ? `${all} ${word}` : `${found} of ${all} ${word}`;
    };
    const compare = (a, b) => {
      const own = shownColumns[state.column].values;
      if (own[a] === own[b]) return a - b;
      if (own[a] === null) return 1; // what is not known comes last in either order
      if (own[b] === null) return -1;
      const order =
        typeof own[a] === "string"
          ? own[a].localeCompare(own[b], "en", { numeric: true })
          : own[a] - own[b];
      return state.descending ? -order : order;
    };
    function update() {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      state.found = rows.filter((row) => {
        if (!words.length) return true;
        const text = texts.map((one) => one(row)).join("\n").toLowerCase();
        return words.every((word) => text.includes(word));
      });
      if (state.column !== null) state.found.sort(compare);
      state.shown = PAGE_ROWS;
      draw();
      changed(state.found, words.length > 0);
    }
    search.addEventListener("input", update);
    more.addEventListener("click", () => {
      const first = state.shown;
      state.shown += PAGE_ROWS;
      draw();
      const next = body.rows[first];
      next.tabIndex = -1;
      next.focus();
    });
    const title = element("caption", { className: "hidden", textContent: caption });
    place.replaceChildren(
      element("h3", { textContent: caption }),
      element(
        "div",
        { className: "controls" },
        element("label", { htmlFor: id }, "Search", element("span", { className: "hidden", textContent: ` in ${caption}` })),
        search,
        count,
      ),
      element(
        "div",
        { className: "scroll", tabIndex: 0, role: "region", ariaLabel: `Table: ${caption}` },
        element("table", {}, title, element("thead", {}, element("tr", {}, ...heads)), body),
      ),
      more,
    );
    update();
  }

  const rowsOf = (list) => list.map((_, row) => row);
  const column = (title, list, kind = "text", more = {}) => ({ title, values: list, kind, ...more });
  const numbered = (list) => column("Plate no.", list.map((one) => one + 1), "number");
  const ofPlate = (list) => [
    numbered(list),
    column("Source", list.map((one) => plates.source[one])),
    column("Batch", list.map((one) => plates.batch[one])),
    column("Plate", list.map((one) => plates.plate[one])),
  ];

  // charts

  const views = {};
  async function chart(id, spec, width, rows, clicked) {
    (spec.spec ?? spec).width = width;
    spec.datasets = { rows };
    const style = getComputedStyle(document.documentElement);
    const [text, line] = ["--text", "--line"].map((name) => style.getPropertyValue(name).trim());
    const config = {
      aria: false,
      background: null,
      font: "system-ui, sans-serif",
      view: { stroke: null },
      axisX: { labelSeparation: 4 },
      axis: { labelColor: text, titleColor: text, gridColor: line, domainColor: line, labelFontSize: 11 },
      legend: { labelColor: text, titleColor: text, labelFontSize: 12 },
      header: { labelColor: text, labelFontWeight: "bold", labelAnchor: "start", labelOrient: "top" },
    };
    const turn = (views[id] = (views[id] ?? 0) + 1);
    const place = byId(id);
    const fresh = element("div", { ariaHidden: "true" }); // the table has the same in words
    const options = {
      actions: false, ast: true, config, defaultStyle: false, logLevel: ERRORS_ONLY, mode: "vega-lite",
      renderer: "svg", tooltip: false,
    };
    const made = await vegaEmbed(fresh, spec, options);
    if (turn !== views[id]) return made.finalize(); // a later one was begun meanwhile
    place.replaceChildren(fresh);
    made.view.addEventListener("click", (_, item) => {
      if (item?.datum) clicked(item.datum);
    });
  }
  const space = (id, taken) => byId(id).clientWidth - taken;

  // quality

  const quality = columns(content.quality);
  const outliers = columns(content.outliers);
  const measure = byId("measure");
  for (const [name, title] of Object.entries(MEASURES)) {
    measure.append(element("option", { value: name, textContent: title }));
  }
  const channelName = (list) => list.map((one) => channels[one].name);

  function drawQuality() {
    const name = measure.value;
    const rows = quality.plate.map((plate, row) => ({
      plate: plate + 1,
      name: plateName(plate),
      source: plates.source[plate],
      channel: channels[quality.channel[row]].name,
      kind: "plate",
      low: quality[`${name}_25`][row],
      middle: quality[`${name}_50`][row],
      high: quality[`${name}_75`][row],
    }));
    outliers.plate.forEach((plate, row) => {
      if (outliers.measure[row] !== name) return;
      rows.push({
        plate: plate + 1,
        name: `${plateName(plate)} ${outliers.well[row]}`,
        source: plates.source[plate],
        channel: channels[outliers.channel[row]].name,
        kind: "outlier",
        low: outliers.value[row],
        middle: outliers.value[row],
        high: outliers.value[row],
      });
    });
    const spec = structuredClone(content.charts.quality);
    spec.facet.row.sort = channels.map((one) => one.name);
    chart("quality-chart", spec, space("quality-chart", 64), rows, (datum) =>
      showPlate(datum.plate - 1),
    );
  }

  // plates and wells

  const plateSelect = byId("plate");
  const colour = byId("colour");
  plates.plate.forEach((_, number) => {
    plateSelect.append(
      element("option", {
        value: number, // a narrow field shows the beginning
        textContent: `${number + 1}: ${plates.plate[number]} (${plates.source[number]} / ${plates.batch[number]})`,
      }),
    );
  });
  const wellColumns = new Map();
  function wellsOf(number) {
    if (!wellColumns.has(number)) {
      const found = content.wells[number];
      wellColumns.set(number, found && columns(found));
    }
    return wellColumns.get(number);
  }
  const yesNo = (list) => list.map((one) => (one ? "yes" : "no"));
  const WORDS = {
    role: ["Role", (wells) => wells.role],
    modality: ["Modality", (wells) => wells.modality],
    status: ["Status", (wells) => wells.status],
    outlier: ["Stands out", (wells) => yesNo(wells.outlier)],
    issue: ["Known issue", (wells) => yesNo(wells.issue)],
  };
  for (const [name, [title]] of Object.entries(WORDS)) {
    colour.append(element("option", { value: name, textContent: title }));
  }
  channels.forEach((channel, number) => {
    for (const [name, title] of Object.entries(MEASURES)) {
      colour.append(
        element("option", { value: `${name}_${number}`, textContent: `${title}: ${channel.name}` }),
      );
    }
  });
  let matching = new Set();
  const letters = (row) =>
    (row > 26 ? String.fromCharCode(64 + Math.floor((row - 1) / 26)) : "") +
    String.fromCharCode(65 + ((row - 1) % 26));
  const range = (length) => Array.from({ length }, (_, number) => number + 1);

  function drawMap() {
    const number = Number(plateSelect.value);
    const wells = wellsOf(number);
    const shape = content.shapes[number];
    byId("map-chart").parentElement.hidden = !wells || !shape;
    if (!wells || !shape) return;
    const key = colour.value;
    const words = WORDS[key]?.[1](wells);
    const own = words ?? wells[key];
    const told = (value) =>
      value === null ? NO_VALUE : words ? value : measureText(key.split("_")[0], value);
    const [lastRow, lastColumn] = shape;
    const rows = range(lastRow);
    const data = rows.flatMap((at) =>
      range(lastColumn).map((one) => {
        const well = letters(at) + String(one).padStart(2, "0");
        return { row: letters(at), column: one, well, state: NO_IMAGE, said: NO_IMAGE, found: true };
      }),
    );
    wells.place.forEach((place, row) => {
      if (!place) return;
      const value = own[row];
      Object.assign(data[(place[0] - 1) * lastColumn + place[1] - 1], {
        well: wells.well[row],
        index: row,
        value,
        state: value === null ? NO_VALUE : "value",
        said: [wells.name[row], wells.role[row], told(value)].filter(Boolean).join(", "),
        found: matching.has(row),
        outlier: wells.outlier[row],
      });
    });
    const spec = structuredClone(content.charts[words ? "words" : "numbers"]);
    const edge = Math.min(
      space("map-chart", 34) / lastColumn, MAX_MAP_PIXELS / lastRow, MAX_WELL_PIXELS,
    );
    spec.height = edge * lastRow;
    const [filled, absent] = spec.layer;
    absent.mark.size = (edge * (1 - MARKS.gap)) ** 2;
    const states = MARKS.states.filter((state) => data.some((one) => one.state === state));
    const kinds = absent.encoding.shape.scale;
    kinds.range = states.map((state) => kinds.range[MARKS.states.indexOf(state)]);
    kinds.domain = states;
    for (const one of spec.layer) {
      one.encoding.x.scale.domain = range(lastColumn);
      one.encoding.y.scale.domain = rows.map(letters);
    }
    if (words) {
      const domain = [...new Set(data.map((one) => one.value).filter((one) => one !== undefined && one !== null))].sort();
      const taken = domain.map((one) => ownOf(MARKS.own, one));
      const free = MARKS.colours.filter((one) => !taken.includes(one));
      const colours = taken.map((one) => one ?? free.shift() ?? MARKS.others);
      filled.encoding.color.scale = { domain, range: colours };
      if (!domain.length) filled.encoding.color.legend = null; // Vega gives an empty one no size
    } else {
      filled.encoding.color.title = colour.selectedOptions[0].textContent;
    }
    if (!states.length) spec.layer.pop();
    chart("map-chart", spec, edge * lastColumn, data, (datum) => {
      if (datum.index !== undefined) openWell(number, datum.index);
    });
  }

  function showPlate(number) {
    plateSelect.value = number;
    drawPlate();
    byId("wells").scrollIntoView();
  }

  function drawPlate() {
    const number = Number(plateSelect.value);
    const wells = wellsOf(number);
    const place = byId("wells-table");
    const note = byId("plate-note");
    if (!wells) {
      note.textContent = "The report has no space for the wells of this plate; make a report of fewer plates.";
      place.replaceChildren();
      drawMap();
      return;
    }
    note.textContent = content.shapes[number] ? "" : "No map can be drawn: the names of these wells are not a letter and a number, such as A01.";
    const pictures = content.pictures[number];
    const well = wells.well;
    // as on the plate, where AA comes after Z
    const order = wells.place.map((place) => place && place[0] * MAX_COLUMNS + place[1]);
    const shown = [
      column("Well", order, "text", {
        text: (_, row) => well[row],
        open: (row) => openWell(number, row),
      }),
      column("Role", wells.role),
      column("Name", wells.name, "name"),
      column("Status", wells.status),
      column("Sites", wells.sites, "number"),
      column("Pictures", well.map((one) => (ownOf(pictures, one) ? "yes" : "no"))),
      column("Stands out", yesNo(wells.outlier)),
      column("Known issue", yesNo(wells.issue)),
    ];
    channels.forEach((channel, at) => {
      const means = wells[`mean_${at}`];
      if (means.every((one) => one === null)) return; // another collection's or source's channel
      shown.push(column(`Mean ${channel.name}`, means, "number"));
    });
    table(place, `Wells of plate ${plates.plate[number]}`, rowsOf(well).sort((a, b) => order[a] - order[b]), shown, (found) => {
      matching = new Set(found);
      drawMap();
    });
  }

  // the pictures of a well

  const dialog = byId("well");
  function openWell(number, row) {
    const wells = wellsOf(number);
    const well = wells.well[row];
    byId("well-title").textContent = `Well ${well} of plate ${plates.plate[number]}`;
    const facts = [
      ["Plate", plateName(number)],
      ["Role", wells.role[row]],
      ["Name", wells.name[row]],
      ["Modality", wells.modality[row]],
      ["Status", wells.status[row]],
    ];
    outliers.plate.forEach((plate, at) => {
      if (plate !== number || outliers.well[at] !== well) return;
      const where = outliers.site[at] === null ? "the well" : `site ${outliers.site[at]}`;
      facts.push(["Stands out", `${channels[outliers.channel[at]].name}, ${where}: ${outliers.reason[at]}`]);
    });
    channels.forEach((channel, at) => {
      const own = Object.keys(MEASURES).map((name) => {
        const value = wells[`${name}_${at}`][row];
        return value === null ? null : `${MEASURES[name].toLowerCase()} ${measureText(name, value)}`;
      });
      if (own.some(Boolean)) facts.push([channel.name, own.filter(Boolean).join(", ")]);
    });
    byId("well-facts").replaceChildren(
      ...facts
        .filter(([, value]) => value)
        .map(([term, value]) =>
          element("div", {}, element("dt", { textContent: term }), element("dd", { textContent: value })),
        ),
    );
    const sites = ownOf(content.pictures[number], well) ?? [];
    const shown = sites.flatMap(([site, pictures]) => [
      element("h3", { textContent: `Site ${site}` }),
      element("ul", { className: "site" }, ...pictures.map((one) => picture(well, site, one))),
    ]);
    const left = wells.sites[row] - sites.length;
    if (left) {
      const which = sites.length ? `${left} more of its sites` : "this well";
      shown.push(element("p", { textContent: `The report has no space for pictures of ${which}.` }));
    }
    byId("well-sites").replaceChildren(...shown);
    dialog.showModal();
    byId("well-title").focus();
  }
  function picture(well, site, [number, webp, reason]) {
    const { name, colour: shade } = channels[number];
    const dot = element("i");
    if (shade) dot.style.backgroundColor = shade;
    const label = element("figcaption", {}, dot, name);
    const shown = webp
      ? element("img", { src: `data:image/webp;base64,${webp}`, alt: `${name} of well ${well}, site ${site}` })
      : element("div", { className: "hole", textContent: `No picture. ${reason}` });
    return element("li", {}, element("figure", {}, shown, label));
  }
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });

  // tables

  const plateNumbers = rowsOf(plates.plate);
  const toPlate = column("Plate", plates.plate, "text", { open: (row) => showPlate(row) });
  table(byId("plates-table"), "Images by plate", plateNumbers, [
    toPlate,
    column("No.", plateNumbers.map((one) => one + 1), "number"),
    column("Source", plates.source),
    column("Batch", plates.batch),
    ...["wells", "sites", "images", "done", ...FAULTS].map((name) =>
      column(name[0].toUpperCase() + name.slice(1), plates[name], "number"),
    ),
    column("MB kept", plates.kept_bytes.map((one) => one / 1e6), "number"),
    column("Known issues", plates.issues, "number"),
    column("Wells with outliers", plates.outlier_wells, "number"),
  ]);
  table(byId("quality-table"), "Quality by plate and channel", rowsOf(quality.plate), [
    ...ofPlate(quality.plate),
    column("Channel", channelName(quality.channel)),
    column("Images", quality.images, "number"),
    ...Object.entries(MEASURES).map(([name, title]) =>
      column(`${title}, median`, quality[`${name}_50`], "number", {
        text: (value) => measureText(name, value),
      }),
    ),
    column("Images that stand out", quality.outlier_images, "number"),
    column("Wells that stand out", quality.outlier_wells, "number"),
    column("Constant images", quality.constant, "number"),
  ]);
  if (outliers.plate.length) {
    table(byId("outliers-table"), "What stands out", rowsOf(outliers.plate), [
      ...ofPlate(outliers.plate),
      column("Well", outliers.well),
      column("Site", outliers.site, "number", { text: (value) => (value === null ? "all" : String(value)) }),
      column("Channel", channelName(outliers.channel)),
      column("Robust z", outliers.z, "number"),
      column("Why", outliers.reason, "long"),
    ]);
  }
  const faults = columns(content.faults);
  if (faults.plate.length) {
    table(byId("faults-table"), "Images that failed", rowsOf(faults.plate), [
      ...ofPlate(faults.plate),
      column("Well", faults.well),
      column("Site", faults.site, "number", { text: String }),
      column("Channel", channelName(faults.channel)),
      column("Status", faults.status),
      column("Reason", faults.reason, "long"),
    ]);
  }
  const issues = columns(content.issues);
  if (issues.plate.length) {
    table(byId("issues-table"), "Known issues by plate", rowsOf(issues.plate), [
      ...ofPlate(issues.plate),
      column("What was reported", issues.issue, "long"),
      column("Wells", issues.wells, "number"),
      column("Images", issues.images, "number"),
    ]);
  }

  measure.addEventListener("change", drawQuality);
  plateSelect.addEventListener("change", drawPlate);
  colour.addEventListener("change", drawMap);
  drawQuality();
  drawPlate();
  const redraw = () => {
    drawQuality();
    drawMap();
  };
  dark.addEventListener("change", redraw);
  let width = innerWidth;
  addEventListener("resize", () => {
    if (innerWidth === width) return; // a phone that hides its address bar changes the height alone
    width = innerWidth;
    redraw();
  });
})();
