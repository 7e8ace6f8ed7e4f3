// Makes the invitee's pages quicker and speaks their time zone. Every page also works without it.
(() => {
  "use strict";

  let underWay = new AbortController();
  let isTyped = false;

  const main = () => document.querySelector("main");

  // --- stepping from state to state without a full load ---

  // Show the state at this address. Whatever goes wrong, the browser's own navigation still works.
  async function show(url, { push = true, focus = () => null } = {}) {
    underWay.abort();
    underWay = new AbortController();
    const { signal } = underWay;
    main().setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(url, { signal });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      if (signal.aborted || isTyped) return;
      main().replaceWith(page.querySelector("main"));
      document.title = page.title;
      history[push ? "pushState" : "replaceState"](null, "", url);
      prepare();
      focus()?.focus();
    } catch (error) {
      if (error.name !== "AbortError") location.assign(url);
    }
  }

  // After a step the focus is where the reader goes on: the message, the heading that the address
  // names, the same control again, or the new step's heading.
  const nextFocus = (url, id) => () =>
    document.getElementById("message") ??
    (url.hash && document.querySelector(url.hash)) ??
    (id && document.getElementById(id)) ??
    document.querySelector("#step, #month");

  document.addEventListener("click", (event) => {
    const link = event.target.closest('main a[href^="?"]');
    const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    if (!link || !isPlain || event.button !== 0) return;
    event.preventDefault();
    isTyped = false;
    const url = new URL(link.href);
    show(url, { focus: nextFocus(url, link.id) });
  });

  addEventListener("popstate", () => show(new URL(location.href), { push: false }));

  document.addEventListener("input", (event) => {
    isTyped = event.target.closest('form[method="post"]') !== null;
  });

  // --- forms ---

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.matches("[data-quick]")) {
      event.preventDefault();
      const url = new URL(location.pathname, location.origin);
      url.search = new URLSearchParams(new FormData(form)).toString();
      show(url, { focus: nextFocus(url, "change-zone") });
    } else if (form.dataset.sent) {
      event.preventDefault(); // a double click; the server would book once all the same
    } else {
      form.dataset.sent = "yes";
      const button = form.querySelector("[data-busy]");
      button.textContent = button.dataset.busy;
    }
  });

  // --- time zones ---

  // The first page is in the consultant's zone, unless its address names one; switch to the invitee's.
  function useOwnZone() {
    const shown = main().dataset.zone;
    const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const url = new URL(location.href);
    if (!shown || !own || own === shown || url.searchParams.has("zone")) return;
    url.searchParams.set("zone", own);
    show(url, { push: false, focus: () => document.getElementById("message") });
  }

  const plain = (text) => text.toLowerCase().normalize("NFD").replace(/[\u0300-\u036f]/g, "");

  function makeSearchable(search, select, count) {
    const all = [...select.options].map((option) => ({ option, text: plain(option.text) }));
    search.addEventListener("input", () => {
      const words = plain(search.value).replaceAll("-", "\u2212").split(/[\s/]+/);
      const found = all.filter(({ text }) => words.every((word) => text.includes(word)));
      select.replaceChildren(...found.map(({ option }) => option));
      if (select.selectedIndex < 0) select.selectedIndex = 0;
      count.textContent = found.length === 1 ? "1 time zone" : `${found.length} time zones`;
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
