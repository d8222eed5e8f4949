/* What the page does without asking the server: views, pane, tips, menus, keys, theme.
   One listener for each kind of event; what an element does is in its data-act. Everything that
   comes from documents or models is set as text, never as HTML. */
"use strict";

window.essayRag = (() => {
  const waiting = [];
  let trigger = null;
  let texts = {};
  let opener = null; // the chip whose passage the pane shows
  const $ = (selector, root = document) => root.querySelector(selector);
  const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
  const narrow = () => matchMedia("(max-width: 900px)").matches;

  // --- to the server ---

  function send(name, data = {}) {
    if (trigger) trigger("do_" + name, data);
    else waiting.push([name, data]);
  }

  function connect(gradioTrigger) {
    trigger = gradioTrigger;
    waiting.splice(0).forEach(([name, data]) => send(name, data));
    start();
  }

  function opened() {
    return {
      conversation: addressed(),
      language: cookie("language"),
      chosen: sessionStorage.getItem("chosen") || "",
    };
  }

  const addressed = () => new URLSearchParams(location.search).get("c") || "";

  function cookie(name) {
    const found = document.cookie.split("; ").find((part) => part.startsWith(name + "="));
    return found ? found.slice(name.length + 1) : "";
  }

  // --- views and theme ---

  function show(view) {
    const known = ["chat", "essays", "evaluation", "settings"];
    const chosen = known.includes(view) ? view : "chat";
    if (document.body.dataset.view !== chosen) {
      document.body.dataset.view = chosen;
      closeSide();
      closePane();
      if (chosen === "essays") send("refresh");
      if (chosen === "evaluation") send("measured");
    }
    markView();
  }

  /* Gradio sets a base address, against which a plain "#view" would load the page anew. */
  function goTo(view) {
    if (view === "question") {
      show("chat");
      $("#question textarea").focus();
      return;
    }
    history.pushState(null, "", location.pathname + location.search + "#" + view);
    show(view);
  }

  function markView() {
    $$(".views a").forEach((link) => {
      if (link.dataset.view === document.body.dataset.view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    });
  }

  function theme() {
    return localStorage.getItem("theme") || "system";
  }

  function applyTheme() {
    const dark = theme() === "dark" || (theme() === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
    document.body.classList.toggle("dark", dark);
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
    const button = $('[data-act="theme"]');
    if (button && texts["theme-" + theme()]) {
      button.setAttribute("aria-label", texts["theme-" + theme()]);
      button.dataset.tip = texts["theme-" + theme()];
      button.dataset.theme = theme();
    }
  }

  // --- the source pane ---

  let asked = 0;
  let server = null;
  let paneProps = null;

  function pane(functions, props) {
    server = functions;
    paneProps = props;
  }

  async function fetchPane(what) {
    const mine = ++asked;
    const language = $("header.top").dataset.language;
    const html = await server.show({ ...what, language });
    if (mine !== asked) return;
    paneProps.value = html;
    requestAnimationFrame(() => requestAnimationFrame(paneChanged));
  }

  function cite(chip) {
    opener = chip;
    const { source, start, end, cite: index } = chip.dataset;
    const turn = chip.closest("[data-turn]");
    fetchPane({ source, start, end, cite: index, turn: turn ? turn.dataset.turn : "" });
    $$(".is-open").forEach((other) => other.classList.remove("is-open"));
    chip.classList.add("is-open");
    openPane();
  }

  function citesAround() {
    const answer = opener && opener.isConnected ? opener.closest(".answer") : null;
    if (!answer) return [];
    const chips = $$(".prose-text .cite[data-act]", answer);
    return chips.length ? chips : $$(".source-row", answer);
  }

  function current(chips) {
    const at = chips.indexOf(opener);
    if (at >= 0) return at;
    return chips.findIndex((chip) => chip.dataset.cite === opener.dataset.cite);
  }

  function step(by) {
    const chips = citesAround();
    if (!chips.length) return;
    cite(chips[(current(chips) + by + chips.length) % chips.length]);
  }

  function openPane() {
    const box = $("#pane-box");
    const chips = citesAround();
    document.body.classList.add("pane-open");
    if (narrow()) {
      box.setAttribute("role", "dialog");
      box.setAttribute("aria-modal", "true");
    } else {
      box.setAttribute("role", "complementary");
      box.removeAttribute("aria-modal");
    }
    box.setAttribute("aria-label", texts["close-source"] ? $("#pane h2")?.textContent || "…" : "…");
    $(".pane-nav").hidden = chips.length < 2;
    $(".pane-count").textContent =
      chips.length > 1 ? texts.of.replace("{n}", current(chips) + 1).replace("{total}", chips.length) : "";
    if (narrow()) $('[data-act="close-source"]').focus();
  }

  function closePane() {
    if (!document.body.classList.contains("pane-open")) return;
    document.body.classList.remove("pane-open");
    $$(".is-open").forEach((chip) => chip.classList.remove("is-open"));
    if (opener && opener.isConnected) opener.focus({ preventScroll: true });
    opener = null;
  }

  function paneChanged() {
    const title = $("#pane h2");
    if (title) $("#pane-box").setAttribute("aria-label", title.textContent);
    const mark = $("#cited");
    if (mark) {
      const box = $("#pane");
      const top = mark.getBoundingClientRect().top - box.getBoundingClientRect().top;
      box.scrollTop += top - Math.max(40, (box.clientHeight - mark.offsetHeight) / 3);
    } else $("#pane").scrollTop = 0;
  }

  // --- tips ---

  const tip = document.createElement("div");
  tip.id = "tip";
  tip.setAttribute("role", "tooltip");
  tip.hidden = true;

  function showTip(target) {
    const { quote, title, tip: words } = target.dataset;
    tip.replaceChildren();
    if (quote) {
      const head = document.createElement("strong");
      head.textContent = title;
      const body = document.createElement("q");
      body.textContent = quote;
      tip.append(head, body);
    } else if (words) tip.textContent = words;
    else return;
    tip.classList.toggle("is-quote", Boolean(quote));
    tip.hidden = false;
    const at = target.getClientRects()[0] || target.getBoundingClientRect();
    const box = tip.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left + at.width / 2 - box.width / 2), innerWidth - box.width - 8);
    const above = at.top - box.height - 8;
    tip.style.left = left + "px";
    tip.style.top = (above > 8 ? above : at.bottom + 8) + "px";
    target.setAttribute("aria-describedby", "tip");
  }

  function hideTip() {
    tip.hidden = true;
    $$('[aria-describedby="tip"]').forEach((element) => element.removeAttribute("aria-describedby"));
  }

  // --- dialogs and menus ---

  function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  /* Ask for a confirmation or a text; resolves to null when it is cancelled. */
  function ask(message, { confirm, danger = false, value = null, long = false }) {
    return new Promise((resolve) => {
      const dialog = element("dialog", { class: "ask", "aria-labelledby": "ask-title" });
      const form = element("form", { method: "dialog" });
      const field = value === null ? null : element(long ? "textarea" : "input", { rows: 4, "aria-labelledby": "ask-title" });
      if (field) field.value = value;
      const yes = element("button", { class: danger ? "button danger" : "button solid", value: "yes" }, confirm);
      const no = element("button", { class: "button", type: "button" }, texts.cancel);
      const title = element("p", { id: "ask-title" }, message);
      form.append(title, ...(field ? [field] : []), element("div", { class: "actions" }, no, yes));
      dialog.append(form);
      document.body.append(dialog);
      const end = (answer) => {
        dialog.remove();
        resolve(answer);
      };
      no.addEventListener("click", () => dialog.close(""));
      dialog.addEventListener("close", () => {
        end(dialog.returnValue === "yes" ? (field ? field.value : true) : null);
      });
      if (field && long) {
        field.addEventListener("keydown", (event) => {
          if (event.key !== "Enter" || event.shiftKey) return; // as where a question is asked
          event.preventDefault();
          dialog.close("yes");
        });
      }
      dialog.showModal();
      (field || yes).focus();
      if (field) field.select();
    });
  }

  function closeMenu() {
    const menu = $("#menu");
    if (!menu) return;
    const button = $('[data-act="talk-menu"][aria-expanded="true"]');
    menu.remove();
    if (button) {
      button.setAttribute("aria-expanded", "false");
      button.focus();
    }
  }

  function talkMenu(button) {
    const open = button.getAttribute("aria-expanded") === "true";
    closeMenu();
    if (open) return;
    const { conversation, title } = button.closest(".talk").dataset;
    const link = (form, label) =>
      element("a", { role: "menuitem", href: `export/${encodeURIComponent(conversation)}.${form}`, download: "" }, label);
    const rename = element("button", { role: "menuitem", type: "button" }, texts.rename);
    const remove = element("button", { role: "menuitem", type: "button", class: "danger" }, texts.delete);
    const menu = element("div", { id: "menu", role: "menu", "aria-label": title }, rename,
      link("md", texts["export-markdown"]), link("json", texts["export-json"]), remove);
    rename.addEventListener("click", async () => {
      closeMenu();
      const name = await ask(texts["rename-ask"], { confirm: texts.save, value: title });
      if (name && name.trim()) send("rename", { conversation, text: name });
    });
    remove.addEventListener("click", async () => {
      closeMenu();
      const sure = await ask(texts["delete-ask"].replace("{title}", title), { confirm: texts.delete, danger: true });
      if (!sure) return;
      went = false;
      send("drop", { conversation });
    });
    menu.addEventListener("keydown", (event) => {
      const items = $$('[role="menuitem"]', menu);
      const at = items.indexOf(document.activeElement);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      items[(to + items.length) % items.length].focus();
    });
    menu.addEventListener("click", (event) => {
      if (event.target.matches("a")) closeMenu();
    });
    document.body.append(menu);
    const at = button.getBoundingClientRect();
    menu.style.left = Math.max(8, Math.min(at.right - menu.offsetWidth, innerWidth - menu.offsetWidth - 8)) + "px";
    menu.style.top = Math.min(at.bottom + 4, innerHeight - menu.offsetHeight - 8) + "px";
    button.setAttribute("aria-expanded", "true");
    rename.focus();
  }

  function closeSide() {
    document.body.classList.remove("side-open");
  }

  function toast(message) {
    const box = $("#note");
    box.textContent = message;
    box.classList.add("is-on");
    clearTimeout(toast.timer);
    toast.timer = setTimeout(() => box.classList.remove("is-on"), 4000);
  }

  // --- asking ---

  let wanted = addressed(); // the conversation that is to be shown
  let went = false; // whether the person went there; else what the server opens is followed
  let sent = 0; // when a question was sent that the server has not taken up

  const box = () => $("#question textarea");

  /* Whether a question may go now, once: a second Enter would ask it in a second conversation. */
  function mayAsk(text) {
    if (!text.trim() || document.body.classList.contains("is-running")) return false;
    if (sent && performance.now() - sent < 5000) return false; // then it is lost
    sent = performance.now();
    went = false;
    return true;
  }

  function onSubmit(event) {
    const pressed = event.type === "keydown" && event.key === "Enter" && !event.shiftKey && event.target === box();
    const clicked = event.type === "click" && event.target.closest("#ask");
    if (!pressed && !clicked) return;
    if (event.isComposing || event.keyCode === 229 || !mayAsk(box().value)) {
      event.preventDefault();
      event.stopPropagation();
    }
  }

  // --- what is kept over a reload, for as long as the tab is open ---

  const draftOf = (conversation) => "draft:" + conversation;
  const LONGEST_DRAFT = 100_000; // the browser keeps some millions of characters in all

  function keepDraft() {
    const text = box()?.value || "";
    if (text.trim() && text.length < LONGEST_DRAFT) sessionStorage.setItem(draftOf(wanted), text);
    else sessionStorage.removeItem(draftOf(wanted));
  }

  function showDraft() {
    box().value = sessionStorage.getItem(draftOf(wanted)) || "";
    box().dispatchEvent(new Event("input", { bubbles: true }));
  }

  function keepChoice() {
    const boxes = $$("#essays [data-act=choose]");
    if (!boxes.length) return;
    const ticked = boxes.filter((item) => item.hasAttribute("checked"));
    if (ticked.length === boxes.length) sessionStorage.removeItem("chosen");
    else sessionStorage.setItem("chosen", JSON.stringify(ticked.map((item) => item.closest("tr").dataset.source)));
  }

  // --- what was clicked ---

  const turnOf = (target) => target.closest("[data-turn]")?.dataset.turn || "";

  const acts = {
    cite,
    verdict: (target) => (tip.hidden ? showTip(target) : hideTip()),
    previous: () => step(-1),
    next: () => step(1),
    "close-source": closePane,
    part: (target) => {
      const { source } = $("#pane .essay-text").dataset;
      fetchPane({ source, start: target.dataset.start, end: target.dataset.end, part: target.dataset.part });
    },
    view: (target) => goTo(target.dataset.view),
    menu: () => {
      if (document.body.dataset.view !== "chat") goTo("chat");
      document.body.classList.toggle("side-open");
    },
    theme: () => {
      const order = ["system", "light", "dark"];
      localStorage.setItem("theme", order[(order.indexOf(theme()) + 1) % 3]);
      applyTheme();
    },
    language: (target) => {
      document.cookie = `language=${target.dataset.to}; path=/; max-age=31536000; SameSite=Strict`;
      send("speak", { language: target.dataset.to });
    },
    new: () => go(""),
    open: (target) => go(target.closest(".talk").dataset.conversation),
    "talk-menu": talkMenu,
    suggest: (target) => {
      if (mayAsk(target.dataset.text)) send("suggest", { text: target.dataset.text });
    },
    again: (target) => askAgain(turnOf(target)),
    edit: async (target) => {
      const turn = turnOf(target);
      const before = target.dataset.text; // what is shown has signs in the place of some characters
      const text = await ask(texts["edit-label"], { confirm: texts["edit-send"], value: before, long: true });
      if (text && text.trim()) askAgain(turn, text.trim());
    },
    copy: async (target) => {
      await navigator.clipboard.writeText(target.dataset.copy);
      toast(texts.copied);
    },
    thumb: async (target) => {
      const turn = turnOf(target);
      const value = target.dataset.value;
      const undo = target.getAttribute("aria-pressed") === "true";
      if (undo || value === "1") return send("judge", { turn, value });
      const text = await ask(texts.comment, { confirm: texts.send, value: "", long: true });
      if (text !== null) send("judge", { turn, value, text: text.trim() });
    },
    choose: () => {
      tick.chosen = performance.now();
      const sources = $$('[data-act="choose"]').filter((box) => box.checked).map((box) => box.closest("tr").dataset.source);
      send("choose", { sources });
    },
    "choose-all": () => send("choose", {}),
    "choose-none": () => send("choose", { sources: [] }),
    read: (target) => {
      opener = null;
      fetchPane({ source: target.closest("tr").dataset.source, start: 0, end: 0 });
      openPane();
    },
    remove: async (target) => {
      const { source, title } = target.closest("tr").dataset;
      const sure = await ask(texts["remove-ask"].replace("{title}", title), { confirm: texts.remove, danger: true });
      if (sure) send("remove", { source });
    },
  };

  /* A box that was clicked no longer follows its attribute: make it, once the server had its say. */
  function tick() {
    clearTimeout(tick.later);
    const rest = 1200 - (performance.now() - (tick.chosen || -9999));
    if (rest > 0) tick.later = setTimeout(tick, rest);
    else $$("#essays [data-act=choose]").forEach((box) => { box.checked = box.hasAttribute("checked"); });
  }

  /* Also while an answer is under way, which then ends. */
  function askAgain(turn, text = "") {
    went = false;
    send("again", { turn, text });
  }

  function go(conversation) {
    closePane();
    closeSide();
    turnTo(conversation);
    history.pushState(null, "", location.pathname + (conversation ? `?c=${encodeURIComponent(conversation)}` : "") + "#chat");
    show("chat");
    openWanted();
    if (!narrow()) $("#question textarea")?.focus();
  }

  /* A busy page draws only the last of several answers, and then nothing of it has changed:
     whether it got there is looked at, each time after twice as long. */
  function openWanted(again = 2000) {
    clearTimeout(openWanted.later);
    send("open", { conversation: wanted });
    if (again > 60_000) return; // nothing comes of it
    openWanted.later = setTimeout(() => {
      if (went && shown()?.dataset.conversation !== wanted) openWanted(2 * again);
    }, again);
  }

  const shown = () => $("#history .thread, #history .welcome");

  function turnTo(conversation) {
    keepDraft();
    wanted = conversation;
    went = true;
    sent = 0;
    showDraft();
    liveChanged();
  }

  // --- what changed on the page ---

  function topChanged() {
    const top = $("header.top");
    if (!top) return;
    texts = JSON.parse(top.dataset.texts);
    const spoken = topChanged.language;
    topChanged.language = top.dataset.language;
    // the report comes when its view is opened: then it is still in the language before
    if (spoken && spoken !== top.dataset.language && document.body.dataset.view === "evaluation") send("measured");
    document.documentElement.lang = top.dataset.language === "zh" ? "zh-Hans" : "en";
    document.body.style.setProperty("--drop-hint", JSON.stringify(texts["add-hint"]));
    document.title = $(".brand").firstChild.textContent;
    markView();
    applyTheme();
  }

  function threadChanged() {
    const place = shown();
    const now = place && [place.dataset.conversation, $$(".turn", place).length].join();
    if (!place || now === threadChanged.shown) return;
    const first = !threadChanged.shown;
    threadChanged.shown = now;
    if (went && place.dataset.conversation !== wanted) {
      openWanted(); // what was on its way when the person left it
      return;
    }
    const id = place.matches(".thread") ? place.dataset.conversation : "";
    sent = 0;
    if (id !== wanted) sessionStorage.removeItem(draftOf(wanted));
    wanted = id;
    if (first && box()?.value === "") showDraft();
    else keepDraft();
    if (id !== addressed()) {
      history.replaceState(null, "", location.pathname + (id ? `?c=${encodeURIComponent(id)}` : "") + location.hash);
    }
    liveChanged();
  }

  let follow = true;

  function liveChanged() {
    const turn = $("#live .live");
    const running = Boolean(turn) && turn.dataset.conversation === wanted;
    if ($("#live .turn, #live .notice")) sent = 0;
    // hidden until it is known whose it is: what comes late is not even drawn
    $("#live").hidden = !running && !$("#live .notice");
    const before = document.body.classList.contains("is-running");
    document.body.classList.toggle("is-running", running);
    if (before && !running && $("#history .thread")) $("#say").textContent = texts.ready;
    if (running && !before) {
      follow = true;
      $("#say").textContent = "";
    }
    const view = $("#scroll");
    if (follow && (running || before)) view.scrollTop = view.scrollHeight;
  }

  const nextFrame = (changed) => requestAnimationFrame(changed);
  const atOnce = (changed) => changed();

  function watch(selector, changed, when = nextFrame) {
    const target = $(selector);
    let asked = false;
    new MutationObserver(() => {
      if (asked) return;
      asked = true;
      when(() => {
        asked = false;
        changed();
      });
    }).observe(target, { childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: ["data-texts", "data-conversation", "data-source", "checked", "id"] });
    changed();
  }

  function onKey(event) {
    const typing = event.target.matches("input, textarea, select, [contenteditable]");
    if (event.key === "Escape") {
      if (!tip.hidden) hideTip();
      else if ($("#menu")) closeMenu();
      else if (document.body.classList.contains("side-open")) closeSide();
      else if (!$("dialog[open]")) closePane();
      return;
    }
    const paneKeys = { ArrowRight: 1, n: 1, ArrowLeft: -1, p: -1 };
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (plain && !typing && event.key in paneKeys && document.body.classList.contains("pane-open")) {
      if (event.target.closest("[role=menu]")) return;
      event.preventDefault();
      step(paneKeys[event.key]);
    }
  }

  /* An Enter that only ends the choice of a Chinese word must not send what is typed. */
  function onComposing(event) {
    if (event.key === "Enter" && (event.isComposing || event.keyCode === 229)) event.stopPropagation();
  }

  /* In a sheet over the page the Tab key stays in the sheet. */
  function keepInside(event) {
    if (event.key !== "Tab" || !narrow() || !document.body.classList.contains("pane-open")) return;
    const inside = $$("#pane-box button:not([hidden]), #pane-box [tabindex='0'], #pane-box a").filter((item) => item.offsetParent);
    const [first, last] = [inside[0], inside[inside.length - 1]];
    if (!inside.includes(document.activeElement)) first?.focus();
    else if (event.shiftKey && document.activeElement === first) last.focus();
    else if (!event.shiftKey && document.activeElement === last) first.focus();
    else return;
    event.preventDefault();
  }

  /* Gradio mounts the parts one by one. */
  function start() {
    if (document.body.classList.contains("is-started")) return;
    if (!["#top", "#history", "#live", "#scroll", "#pane-box", "#pane", "#toast"].every((part) => $(part))) {
      requestAnimationFrame(start);
      return;
    }
    document.body.append(tip, element("div", { id: "note", role: "status" }), element("div", { id: "say", class: "sr", role: "status" }));
    $("#pane-box").setAttribute("role", "complementary");
    $("#pane").setAttribute("tabindex", "-1");
    watch("#top", topChanged);
    watch("#history", threadChanged, atOnce); // by the next frame one may have come and gone
    watch("#live", liveChanged);
    watch("#essays", () => {
      tick();
      keepChoice();
      $("#files .upload-container")?.setAttribute("aria-label", texts["add-hint"]);
    });
    watch("#toast", () => {
      const said = $("#toast .html-container").textContent.trim();
      if (said) toast(said);
    });
    $("#scroll").addEventListener("scroll", (event) => {
      const box = event.target;
      follow = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
      hideTip();
    });
    document.addEventListener("click", (event) => {
      const inside = event.target.closest("a[href^='#']");
      if (inside && !(event.ctrlKey || event.metaKey || event.shiftKey)) {
        event.preventDefault();
        goTo(inside.getAttribute("href").slice(1));
      }
      const target = event.target.closest("[data-act]");
      if (!event.target.closest("#menu, [data-act='talk-menu']") && $("#menu")) closeMenu();
      if (!event.target.closest("[data-act='verdict']")) hideTip();
      if (document.body.classList.contains("side-open") && !event.target.closest("#side, [data-act='menu'], dialog, #menu")) closeSide();
      if (!target || !acts[target.dataset.act]) return;
      if (target.matches("a")) {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
      }
      acts[target.dataset.act](target);
    });
    for (const [over, out] of [["mouseover", "mouseout"], ["focusin", "focusout"]]) {
      document.addEventListener(over, (event) => {
        const target = event.target.closest?.("[data-quote], [data-tip]");
        if (target && (over === "mouseover" || target.matches(":focus-visible"))) showTip(target);
      });
      document.addEventListener(out, (event) => {
        if (event.target.closest?.("[data-quote], [data-tip]")) hideTip();
      });
    }
    document.addEventListener("keydown", onKey);
    document.addEventListener("keydown", keepInside);
    document.addEventListener("keydown", onComposing, true);
    document.addEventListener("input", (event) => {
      if (event.target === box()) keepDraft();
    });
    addEventListener("pagehide", keepDraft);
    document.addEventListener("keydown", onSubmit, true);
    document.addEventListener("click", onSubmit, true);
    addEventListener("popstate", () => {
      show(location.hash.slice(1));
      if (addressed() === wanted) return;
      turnTo(addressed());
      openWanted();
    });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyTheme);
    show(location.hash.slice(1) || "chat");
    document.body.classList.add("is-started");
  }

  return { connect, opened, pane, send };
})();
