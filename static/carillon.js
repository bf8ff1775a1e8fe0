"use strict";
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const remember = (name, value) => { document.cookie = `${name}=${value}; path=/; max-age=31536000; samesite=lax`; };

  remember("zone", Intl.DateTimeFormat().resolvedOptions().timeZone || "");

  const prepare = () => {
    all("[data-copy], [data-theme-switch], [data-pick-all]").forEach((one) => { one.hidden = false; });
    countPicked();
    followLog();
  };

  const countPicked = () => {
    const form = document.querySelector("[data-bulk]");
    if (!form) return;
    const picked = all("input.pick:checked").length;
    form.hidden = picked === 0;
    all("[data-picked]", form).forEach((one) => { one.textContent = picked; });
  };

  let stays = true;
  const followLog = () => {
    const log = document.querySelector("[data-follow]");
    if (!log) return;
    if (stays) log.scrollTop = log.scrollHeight;
    log.onscroll = () => { stays = log.scrollTop + log.clientHeight >= log.scrollHeight - 24; };
  };

  document.addEventListener("click", (event) => {
    const copy = event.target.closest("[data-copy]");
    if (copy) navigator.clipboard.writeText(copy.dataset.copy);
    if (event.target.closest("[data-theme-switch]")) {
      const root = document.documentElement;
      const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      root.dataset.theme = dark ? "light" : "dark";
      remember("theme", root.dataset.theme);
    }
    const level = event.target.closest("[data-level]");
    if (level) {
      all("[data-level]").forEach((one) => one.setAttribute("aria-pressed", one === level));
      all(".log li").forEach((line) => { line.hidden = level.dataset.level !== "" && !line.matches(level.dataset.level); });
    }
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-pick-all]")) all("input.pick").forEach((one) => { one.checked = event.target.checked; });
    countPicked();
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("input, textarea, select")) return;
    const search = document.querySelector("input[type=search], #searchbar");
    if (event.key === "/" && search) { event.preventDefault(); search.focus(); }
    const keys = document.getElementById("keys");
    if (event.key === "?" && keys) keys.showModal();
    const page = { t: "today", s: "schedules", r: "runs" }[event.key];
    const link = page && document.querySelector(`.rail a[data-page="${page}"]`);
    if (link) link.click();
  });
  let open = [];
  document.addEventListener("htmx:beforeSwap", () => { open = all("details[open][id]").map((one) => one.id); });
  document.addEventListener("htmx:afterSwap", () => {
    open.forEach((id) => { const one = document.getElementById(id); if (one) one.open = true; });
    prepare();
  });
  prepare();
})();
