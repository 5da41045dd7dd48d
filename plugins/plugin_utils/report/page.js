"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const S = data.strings;
  const PAGE = 100, PRINTED = 5000;
  const at = {};
  data.patchFields.forEach((name, index) => { at[name] = index; });
  const NUMBERS = new Set([at.rule]);
  const text = (index) => (typeof index === "number" && index >= 0 ? S[index] : "");
  const statuses = new Map(data.statuses.map(([name, spoken, kind], rank) => [name, { spoken, kind, rank }]));
  const LEVELS = ["CRITICAL", "HIGH", "MEDIUM", "LOW", "INFORMATIONAL", "UNSPECIFIED", ""];

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
      else if (value !== null) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null));
    return element;
  };

  const patches = data.patches.map((row, index) => {
    const get = (name) => (NUMBERS.has(at[name]) ? (row[at[name]] < 0 ? "" : String(row[at[name]])) : text(row[at[name]]));
    const cves = row[at.cves].map((each) => S[each]), advisories = row[at.advisories].map((each) => S[each]);
    const installed = get("installed_version"), version = get("version");
    return {
      index, get, cves, advisories, hosts: [], violation: row[at.violation] === true,
      security: row[at.security] === true ? "yes" : row[at.security] === false ? "no" : "unknown",
      id: get("id"), state: get("state") || (get("detail") || "AVAILABLE"), level: get("level"),
      change: installed && version ? `${installed} → ${version}` : version || installed,
      hay: [get("id"), get("title"), installed, version, get("state"), get("level"), get("reason"), get("repository"),
        ...cves, ...advisories].join(" ").toLowerCase(),
    };
  });

  const hosts = data.hosts.map((row, index) => {
    const [name, status, group, system, baseline, scanned, operation, reboot] = row.slice(0, 8).map(text);
    const host = { index, name, status, group, system, baseline, scanned, operation, reboot,
      notes: row[8].map((each) => S[each]), counts: row[9], patches: row[10] };
    host.hay = [name, group, system, baseline, statuses.get(status).spoken].join(" ").toLowerCase();
    for (const patch of host.patches) patches[patch].hosts.push(index);
    return host;
  });

  const count = (value) => (value < 0 ? "?" : String(value));
  const status = (name) => make("span", { class: statuses.get(name).kind }, statuses.get(name).spoken);
  const compare = (left, right) => (left < right ? -1 : left > right ? 1 : 0);
  const moment = (time) => make("span", { class: "moment" }, time.slice(0, 16).replace("T", " "));
  const list = (items) => make("ul", {}, ...items.map((item) => make("li", {}, item)));
  const facts = (pairs) => make("dl", {}, ...pairs.filter(([, value]) => value)
    .flatMap(([name, value]) => [make("dt", {}, name), make("dd", {}, value)]));

  /* One searchable, sortable table. columns: {title, value(row) for sorting, cell(row), number} */
  const table = ({ name, caption, rows, columns, selects, detail, sorted }) => {
    const place = (part) => document.getElementById(`${name}-${part}`);
    let shown = PAGE, order = sorted, found = rows;
    const open = new Set();
    const search = make("input", { type: "search", autocomplete: "off", spellcheck: "false" });
    const chosen = selects.map(({ label, values, fits }) => {
      const select = make("select", {}, make("option", { value: "" }, "all"),
        ...values.map(([value, spoken]) => make("option", { value }, spoken)));
      return { label, select, fits };
    });
    place("controls").append(
      make("label", {}, `Search ${name}`, search),
      ...chosen.map(({ label, select }) => make("label", {}, label, select)));
    const heads = columns.map((column, index) => {
      const button = make("button", { type: "button", onclick: () => sort(index) }, column.title);
      return make("th", { scope: "col", class: column.number ? "number" : null }, button);
    });
    const body = make("tbody");
    const more = make("button", { type: "button", class: "more", onclick: () => { shown += 10 * PAGE; draw(); } });
    place("table").append(make("table", {}, make("caption", { class: "unseen" }, caption),
      make("thead", {}, make("tr", {}, ...heads)), body));
    place("table").after(more);

    const draw = () => {
      const lines = document.createDocumentFragment();
      for (const row of found.slice(0, shown)) {
        const expanded = open.has(row.index), id = `${name}-detail-${row.index}`;
        const toggle = make("button", { type: "button", "aria-expanded": String(expanded),
          "aria-controls": expanded ? id : null, "data-row": row.index }, columns[0].value(row));
        lines.append(make("tr", {}, make("th", { scope: "row" }, toggle),
          ...columns.slice(1).map((column) => make("td", { class: column.number ? "number" : null }, column.cell(row)))));
        if (expanded) lines.append(make("tr", { id }, make("td", { colspan: columns.length, class: "detail" },
          make("div", {}, ...detail(row)))));
      }
      body.replaceChildren(lines);
      more.hidden = found.length <= shown;
      more.textContent = `Show more ${name} (${found.length - Math.min(shown, found.length)} left)`;
      place("count").textContent = `${found.length} of ${rows.length} ${name}`;
    };
    const filter = () => {
      const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
      const tests = chosen.filter(({ select }) => select.value !== "").map(({ select, fits }) => (row) => fits(row, select.value));
      found = rows.filter((row) => words.every((word) => row.hay.includes(word)) && tests.every((test) => test(row)));
      const { value } = columns[order.column], sign = order.down ? -1 : 1;
      found.sort((left, right) => sign * compare(value(left), value(right)) || left.index - right.index);
      shown = PAGE;
      draw();
    };
    const sort = (index) => {
      order = { column: index, down: order.column === index ? !order.down : Boolean(columns[index].number) };
      heads.forEach((head, place) => {
        if (place === index) head.setAttribute("aria-sort", order.down ? "descending" : "ascending");
        else head.removeAttribute("aria-sort");
      });
      filter();
    };
    body.addEventListener("click", (event) => {
      const button = event.target.closest("button[data-row]");
      if (!button) return;
      const row = Number(button.dataset.row);
      if (!open.delete(row)) open.add(row);
      draw();
      body.querySelector(`button[data-row="${row}"]`).focus();
    });
    search.addEventListener("input", filter);
    chosen.forEach(({ select }) => select.addEventListener("change", filter));
    window.addEventListener("beforeprint", () => { shown = PRINTED; draw(); });
    window.addEventListener("afterprint", () => { shown = PAGE; draw(); });
    heads[order.column].setAttribute("aria-sort", order.down ? "descending" : "ascending");
    filter();
  };

  const distinct = (values) => [...new Set(values)].filter(Boolean).sort().map((value) => [value, value]);
  const plain = (title, value, number = false) => ({ title, value, cell: (row) => String(value(row)), number });
  const counted = (title, field) => {
    const index = data.countFields.indexOf(field);
    return { title, number: true, value: (host) => host.counts[index], cell: (host) => count(host.counts[index]) };
  };

  const patchLine = (patch) => `${patch.state}${patch.level ? ` (${patch.level})` : ""}: ${patch.id} ${patch.change}. ${patch.get("failure") || patch.get("explanation")}`;
  table({
    name: "hosts", caption: "Hosts and how they stand", rows: hosts, sorted: { column: 1, down: false },
    columns: [
      plain("Host", (host) => host.name),
      { title: "Status", value: (host) => statuses.get(host.status).rank, cell: (host) => status(host.status) },
      plain("Patch group", (host) => host.group), plain("Operating system", (host) => host.system),
      counted("Missing", "missing_count"), counted("Failed", "failed_count"),
      counted("Rejected", "installed_rejected_count"), counted("Pending reboot", "installed_pending_reboot_count"),
      counted("Waiting", "waiting_count"), { title: "Last scan", value: (host) => host.scanned, cell: (host) => moment(host.scanned) },
    ],
    selects: [
      { label: "Status", values: data.statuses.filter(([name]) => hosts.some((host) => host.status === name)), fits: (host, value) => host.status === value },
      { label: "Patch group", values: distinct(hosts.map((host) => host.group)), fits: (host, value) => host.group === value },
      { label: "Operating system", values: distinct(hosts.map((host) => host.system)), fits: (host, value) => host.system === value },
    ],
    detail: (host) => [
      facts([["Patch group", host.group], ["Operating system", host.system], ["Baseline", host.baseline], ["Operation", host.operation], ["Reboot", host.reboot]]),
      host.notes.length ? list(host.notes) : null,
      host.patches.length ? list(host.patches.map((index) => patchLine(patches[index]))) : make("p", {}, "No patch to act on."),
    ].filter((part) => part !== null),
  });

  table({
    name: "patches", caption: "Patches and the hosts that lack them", rows: patches, sorted: { column: 3, down: false },
    columns: [
      plain("Patch", (patch) => patch.id), plain("Version", (patch) => patch.change),
      plain("State", (patch) => patch.state),
      { title: "Level", value: (patch) => LEVELS.indexOf(patch.level), cell: (patch) => patch.level },
      plain("Hosts", (patch) => patch.hosts.length, true),
      { title: "CVEs", value: (patch) => patch.cves.join(" "), cell: (patch) => patch.cves.slice(0, 4).join(", ") + (patch.cves.length > 4 ? ` and ${patch.cves.length - 4} more` : "") },
      plain("Released", (patch) => patch.get("released").slice(0, 10)), plain("Approved on", (patch) => patch.get("approves_on")),
    ],
    selects: [
      { label: "State", values: distinct(patches.map((patch) => patch.state)), fits: (patch, value) => patch.state === value },
      { label: "Level", values: LEVELS.filter((level) => level && patches.some((patch) => patch.level === level)).map((level) => [level, level]), fits: (patch, value) => patch.level === value },
    ],
    detail: (patch) => [
      make("p", {}, patch.get("failure") || patch.get("explanation")),
      facts([["Title", patch.get("title")], ["CVEs", patch.cves.join(", ")], ["Advisories", patch.advisories.join(", ")],
        ["Classification", patch.get("classification")], ["Severity", patch.get("severity")], ["Priority", patch.get("priority")],
        ["Security", patch.security], ["Repository", patch.get("repository")], ["Product", patch.get("product")],
        ["Rule", patch.get("rule")], ["Released", patch.get("released")], ["Approved on", patch.get("approves_on")],
        ["Hosts", patch.hosts.map((index) => hosts[index].name).join(", ")]]),
    ],
  });
})();
