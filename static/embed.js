// <calsync-booking consultant="slug" meeting-type="slug"> shows a booking page inside any website
// whose origin is in ALLOWED_ORIGINS. What stands between the tags is shown until that page says how
// high it is, and wherever it does not: a website that is not allowed gets no page.
(() => {
  "use strict";

  const home = new URL(document.currentScript.src).origin;

  const PATIENCE = 5000; // milliseconds in which a page that was loaded says its height

  class CalsyncBooking extends HTMLElement {
    static observedAttributes = ["consultant", "meeting-type"];

    #frame = null;
    #between = document.createElement("slot"); // what stands between the tags
    #patience = 0;

    #hear = (event) => {
      if (event.origin !== home || event.source !== this.#frame?.contentWindow) return;
      if (event.data?.type !== "calsync:height" || !(event.data.height > 0)) return;
      clearTimeout(this.#patience);
      this.#setHeight(event.data.height);
    };

    constructor() {
      super();
      this.attachShadow({ mode: "open" }).append(this.#between);
    }

    connectedCallback() {
      addEventListener("message", this.#hear);
      this.#show();
    }

    disconnectedCallback() {
      removeEventListener("message", this.#hear);
      clearTimeout(this.#patience);
      this.#frame?.remove();
      this.#frame = null;
    }

    attributeChangedCallback() {
      if (this.#frame) this.#show();
    }

    get #address() {
      const names = ["consultant", "meeting-type"].map((name) => this.getAttribute(name));
      const path = names.filter(Boolean).map(encodeURIComponent).join("/");
      return `${home}/book/${path}/?embed=1`;
    }

    #show() {
      if (!this.getAttribute("consultant")) {
        throw new Error('<calsync-booking> needs its consultant: consultant="slug"');
      }
      const frame = document.createElement("iframe");
      frame.title = this.getAttribute("title") ?? "Book a meeting";
      frame.loading = "lazy";
      Object.assign(frame.style, {
        display: "block",
        width: "100%",
        border: "0",
        colorScheme: "light dark",
      });
      // Every page that the frame loads learns whom to tell its height.
      frame.addEventListener("load", () => {
        frame.contentWindow.postMessage({ type: "calsync:hello" }, home);
        clearTimeout(this.#patience);
        this.#patience = setTimeout(() => this.#setHeight(0), PATIENCE);
      });
      frame.src = this.#address;
      clearTimeout(this.#patience);
      this.#frame = frame;
      this.#setHeight(0);
      this.shadowRoot.replaceChildren(this.#between, frame);
    }

    // At no height the frame waits unseen, and what stands between the tags is shown.
    #setHeight(height) {
      this.#between.style.display = height ? "none" : "";
      this.#frame.style.height = `${height}px`;
      this.#frame.style.visibility = height ? "" : "hidden";
    }
  }

  customElements.define("calsync-booking", CalsyncBooking);
})();
