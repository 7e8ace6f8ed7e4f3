// Offers the zone that the browser is in, beside the choice of time zones.
addEventListener("DOMContentLoaded", () => {
    const choice = document.querySelector("select[name=time_zone]");
    const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
    const names = choice ? [...choice.options].map((option) => option.value) : [];
    if (!names.includes(here) || choice.value === here) {
        return;
    }
    const button = document.createElement("button");
    button.type = "button";
    button.className = "button";
    button.textContent = `Use ${here.replaceAll("_", " ")}, where this browser is`;
    button.addEventListener("click", () => {
        choice.value = here;
        choice.focus();
        button.remove();
    });
    choice.after(" ", button);
});
