// <calsync-booking consultant="slug" meeting-type="slug"> shows a booking page inside any website
// whose origin is in ALLOWED_ORIGINS. What stands between the tags is shown until this script runs.
(() => {
  "use strict";

  const home = new URL(document.currentScript.src).origin;

  class CalsyncBooking extends HTMLElement {
    static observedAttributes = ["consultant", "meeting-type"];

    #frame = null;

    #hear = (event) => {
      if (event.origin !== home || event.source !== this.#frame?.contentWindow) return;
      if (event.data?.type !== "calsync:height" || !(event.data.height > 0)) return;
      this.#frame.style.height = `${event.data.height}px`;
    };

    connectedCallback() {
      addEventListener("message", this.#hear);
      this.#show();
    }

    disconnectedCallback() {
      removeEventListener("message", this.#hear);
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
        height: "44rem",
        border: "0",
        colorScheme: "light dark",
      });
      // Every page that the frame loads learns whom to tell its height.
      frame.addEventListener("load", () => {
        frame.contentWindow.postMessage({ type: "calsync:hello" }, home);
      });
      frame.src = this.#address;
      this.#frame = frame;
      this.replaceChildren(frame);
    }
  }

  customElements.define("calsync-booking", CalsyncBooking);
})();
