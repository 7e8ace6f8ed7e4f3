// Makes the invitee's pages quicker and speaks their time zone. Every page also works without it.
(() => {
  "use strict";

  const main = () => document.querySelector("main");
  const shownAddress = () => location.pathname + location.search;

  let underWay = new AbortController();
  let shown = shownAddress();
  let isTyped = false; // something that a step must not wipe out

  // --- stepping from state to state without a full load ---

  async function load(url, signal) {
    const answer = await fetch(url, { signal });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!page.querySelector("main")) throw new Error(`no page at ${url}`);
    return page;
  }

  // Show the state at this address. Where it cannot be fetched, the browser goes there itself.
  async function show(url, { push = true, focus = () => null } = {}) {
    underWay.abort();
    underWay = new AbortController();
    main().setAttribute("aria-busy", "true");
    let page;
    try {
      page = await load(url, underWay.signal);
    } catch (error) {
      if (error.name !== "AbortError") location.assign(url);
      return;
    }
    main().removeAttribute("aria-busy");
    if (isTyped) return;
    main().replaceWith(page.querySelector("main"));
    document.title = page.title;
    history[push ? "pushState" : "replaceState"](null, "", url);
    shown = shownAddress();
    prepare();
    focus()?.focus();
    useOwnZone();
  }

  // After a step the focus is where the reader goes on: at the message, at the heading that the
  // address names, at the same control again, or at the new step's heading.
  const nextFocus = (url, id) => () => {
    const wanted = ["message", url.hash.slice(1), id, "step", "month"];
    return wanted.map((name) => name && document.getElementById(name)).find(Boolean);
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest('main a[href^="?"]');
    const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (!link || !isPlain || event.button !== 0) return;
    event.preventDefault();
    isTyped = false;
    const url = new URL(link.href);
    show(url, { focus: nextFocus(url, link.id) });
  });

  addEventListener("popstate", () => {
    if (shownAddress() === shown) return; // a jump within the page
    isTyped = false;
    show(new URL(location.href), { push: false });
  });

  document.addEventListener("input", (event) => {
    isTyped = event.target.closest('form[method="post"]') !== null;
    if (event.target.closest("[data-keep-typed]")) keepTyped();
  });

  // --- forms ---

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-quick]")) {
      event.preventDefault();
      const url = new URL(location.pathname, location.origin);
      url.search = new URLSearchParams(new FormData(form)).toString();
      show(url, { focus: nextFocus(url, "change-zone") });
    } else {
      form.dataset.sent = "yes"; // shows that it is under way; sent twice, it books once
    }
  });

  // A page that comes back from the browser's memory is not under way.
  addEventListener("pageshow", () => {
    for (const form of document.forms) delete form.dataset.sent;
  });

  // --- what was typed, kept in this tab until it is booked ---

  const TYPED = "calsync:typed";
  const fields = () => [...document.querySelectorAll("[data-keep-typed] .field [name]")];

  // A browser may keep nothing for a page inside another website; then nothing is kept.
  function withStorage(act) {
    try {
      return act(sessionStorage);
    } catch {
      return null;
    }
  }

  function keepTyped() {
    const typed = fields().map(({ name, value }) => [name, value]);
    const kept = JSON.stringify({ page: location.pathname, typed });
    withStorage((storage) => storage.setItem(TYPED, kept));
  }

  // Beside a message stands what was sent, which is newer.
  function putBackTyped() {
    const kept = JSON.parse(withStorage((storage) => storage.getItem(TYPED)));
    if (kept?.page !== location.pathname || document.getElementById("message")) return;
    const typed = new Map(kept.typed);
    for (const field of fields()) field.value = typed.get(field.name) ?? field.value;
  }

  // --- time zones ---

  // A page whose address names no zone is in the consultant's; switch to the invitee's. One with a
  // message stays as it is, with all that was typed.
  function useOwnZone() {
    const zone = main().dataset.zone;
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const url = new URL(location.href);
    if (!zone || !own || own === zone || url.searchParams.has("zone")) return;
    if (document.getElementById("message")) return;
    url.searchParams.set("zone", own);
    show(url, { push: false });
  }

  // Lower case, without accents, and with a hyphen for the minus sign.
  const plain = (text) =>
    text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "").replaceAll("\u2212", "-");

  const NONE_FOUND = "None found: try the nearest large city, such as Berlin.";

  function makeSearchable(search, select, count) {
    const all = [...select.options].map((option) => ({ option, text: plain(option.text) }));
    search.addEventListener("input", () => {
      const words = plain(search.value).split(/[\s/]+/);
      const found = all.filter(({ text }) => words.every((word) => text.includes(word)));
      select.replaceChildren(...found.map(({ option }) => option));
      if (select.selectedIndex < 0) select.selectedIndex = 0;
      const isNone = found.length === 0;
      select.disabled = isNone; // else the browser asks for a choice that cannot be made
      select.closest(".field").hidden = isNone;
      search.setCustomValidity(isNone ? NONE_FOUND : "");
      const many = found.length === 1 ? "1 time zone" : `${found.length} time zones`;
      count.textContent = isNone ? NONE_FOUND : many;
    });
  }

  // --- embedded in another website: say how high the page is, to the one that embeds it ---

  let embedder = null;

  function tellHeight() {
    if (!embedder) return;
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    parent.postMessage({ type: "calsync:height", height }, embedder);
  }

  addEventListener("message", (event) => {
    if (event.source !== parent || parent === window) return;
    if (event.data?.type !== "calsync:hello") return;
    embedder = event.origin; // Content-Security-Policy has let only allowed origins frame this page
    tellHeight();
  });

  // --- start ---

  function prepare() {
    for (const part of document.querySelectorAll("[data-needs-script]")) part.hidden = false;
    for (const part of document.querySelectorAll("[data-without-script]")) part.hidden = true;
    for (const link of document.querySelectorAll(".embedded a[rel]")) link.target = "_blank";
    if ("forgetTyped" in main().dataset) withStorage((storage) => storage.removeItem(TYPED));
    putBackTyped();
    const search = document.getElementById("zone-search");
    if (search) {
      const select = document.getElementById("zone");
      makeSearchable(search, select, document.getElementById("zone-matches"));
    }
  }

  prepare();
  new ResizeObserver(tellHeight).observe(document.body);
  document.getElementById("message")?.focus();
  useOwnZone();
})();
